"""The candidate's way back to their record: the record link, and appeals, each answered by a person who stood apart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, Private, Refused

Answer = Literal["upheld", "rejected"]
AppealState = Literal["open", "withdrawn", Answer]
AttachmentKind = Literal["application/pdf", "image/jpeg", "image/png", "text/plain"]
ATTACHMENTS = 5  # of one appeal

# Events of a record. Tags and field names are on disk for ever.


class RecordLinkRenewed(Event, frozen=True, kw_only=True, tag="record.link_renewed"):
    """The record link before, and whoever came by it, is void; the one with this number holds."""

    number: int
    by: str
    at: datetime


class Appealed(Event, frozen=True, kw_only=True, tag="record.appealed"):
    """By the candidate, against decision number `decision`; 0 where nobody had decided yet. `incident` may be named."""

    appeal: str
    text: Private
    by: str
    at: datetime
    decision: int
    incident: str = ""


class AppealAttached(Event, frozen=True, kw_only=True, tag="record.appeal_attached"):
    """Something that goes with an appeal. `bytes` is its size; `sha256` (hex) is of what is stored, sealed."""

    appeal: str
    number: int
    at: datetime
    kind: AttachmentKind
    bytes: int
    object_key: str
    sha256: str


class AppealWithdrawn(Event, frozen=True, kw_only=True, tag="record.appeal_withdrawn"):
    appeal: str
    by: str
    at: datetime


class AppealAnswered(Event, frozen=True, kw_only=True, tag="record.appeal_answered"):
    """By a person who neither watched, raised an incident, judged nor decided.

    After `upheld` somebody has to decide anew.
    """

    appeal: str
    answer: Answer
    reason: Private
    by: str
    at: datetime


AppealEvent = RecordLinkRenewed | Appealed | AppealAttached | AppealWithdrawn | AppealAnswered

# Commands.


class RenewRecordLink(Command, frozen=True, kw_only=True):
    """The next link has this number."""

    number: int
    by: str
    at: datetime


class MakeAppeal(Command, frozen=True, kw_only=True):
    """`closes_at` is when the appeal period is over, `decision` the number of the last decision."""

    appeal: str
    text: Private
    by: str
    at: datetime
    closes_at: datetime
    decision: int
    incident: str = ""


class AttachToAppeal(Command, frozen=True, kw_only=True):
    appeal: str
    number: int
    at: datetime
    kind: AttachmentKind
    bytes: int
    object_key: str
    sha256: str


class WithdrawAppeal(Command, frozen=True, kw_only=True):
    appeal: str
    by: str
    at: datetime


class AnswerAppeal(Command, frozen=True, kw_only=True):
    """`watched`, `raised` an incident, `judged` and `decided` are who did so in this session."""

    appeal: str
    answer: Answer
    reason: Private
    by: str
    at: datetime
    watched: frozenset[str]
    raised: frozenset[str]
    judged: frozenset[str]
    decided: frozenset[str]


AppealCommand = RenewRecordLink | MakeAppeal | AttachToAppeal | WithdrawAppeal | AnswerAppeal

# State.


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    kind: AttachmentKind
    bytes: int
    object_key: str
    sha256: str


class Appeal(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    decision: int
    state: AppealState = "open"
    by: str = ""  # who answered it
    answered_at: datetime | None = None
    attached: dict[int, Attached] = {}


class Appeals(msgspec.Struct, frozen=True, kw_only=True):
    """`link` is the number of the record link that holds; 0 where none has been renewed."""

    link: int = 0
    made: dict[str, Appeal] = {}

    def waits(self, decisions: int) -> bool:
        """Whether an appeal is not answered yet, or was upheld and nobody has decided anew since."""
        return any(
            one.state == "open" or (one.state == "upheld" and one.decision == decisions) for one in self.made.values()
        )


def closes_at(ended_at: datetime, decided_at: Iterable[datetime], days: int) -> datetime:
    """When the appeal period is over: so long after the end of the session, or after the last decision."""
    return max((ended_at, *decided_at)) + timedelta(days=days)


def read_until(ended_at: datetime, decided_at: tuple[datetime, ...], days: int, state: Appeals) -> datetime | None:
    """Until when the record link opens the record: an answer can be read for as long again. None while one is owed."""
    if state.waits(len(decided_at)):
        return None
    answered = (one.answered_at for one in state.made.values() if one.answered_at)
    return closes_at(ended_at, (*decided_at, *answered), days)


def evolve(state: Appeals, event: AppealEvent) -> Appeals:
    match event:
        case RecordLinkRenewed(number=number):
            return replace(state, link=number)
        case Appealed(appeal=name, at=at, decision=decision):
            return replace(state, made=state.made | {name: Appeal(at=at, decision=decision)})
        case AppealAttached(appeal=name, number=number) if name in state.made:
            one, found = state.made[name], msgspec.convert(event, Attached, from_attributes=True)
            return replace(state, made=state.made | {name: replace(one, attached=one.attached | {number: found})})
        case AppealWithdrawn(appeal=name) if name in state.made:
            return replace(state, made=state.made | {name: replace(state.made[name], state="withdrawn")})
        case AppealAnswered(appeal=name, answer=answer, by=by, at=at) if name in state.made:
            answered = replace(state.made[name], state=answer, by=by, answered_at=at)
            return replace(state, made=state.made | {name: answered})
        case AppealAttached() | AppealWithdrawn() | AppealAnswered():
            return state
        case _:
            assert_never(event)


def decide(command: AppealCommand, state: Appeals) -> tuple[AppealEvent, ...]:
    match command:
        case RenewRecordLink(number=number, by=by, at=at):
            return (RecordLinkRenewed(number=number, by=by, at=at),) if number > state.link else ()
        case MakeAppeal():
            return _appeal(command, state)
        case AttachToAppeal():
            return _attach(command, _one(state, command.appeal))
        case WithdrawAppeal(appeal=name, by=by, at=at):
            known = _one(state, name)
            if known.state == "withdrawn":
                return ()
            if known.state != "open":
                raise Refused("this appeal has been answered", field="appeal")
            return (AppealWithdrawn(appeal=name, by=by, at=at),)
        case AnswerAppeal():
            return _answer(command, _one(state, command.appeal))
        case _:
            assert_never(command)


def _one(state: Appeals, name: str) -> Appeal:
    if name not in state.made:
        raise Refused("there is no such appeal", field="appeal", kind="not_found")
    return state.made[name]


def _appeal(command: MakeAppeal, state: Appeals) -> tuple[AppealEvent, ...]:
    if command.appeal in state.made:
        return ()
    if any(one.state == "open" for one in state.made.values()):
        raise Refused("there is an appeal that is not answered yet; add to it, or withdraw it first")
    if any(one.decision == command.decision and one.answered_at for one in state.made.values()):
        raise Refused("an appeal against this has been answered; after another decision you can appeal again")
    if command.at >= command.closes_at:
        raise Refused(f"the time to appeal was over on {command.closes_at:%Y-%m-%d}")
    return (
        Appealed(
            appeal=command.appeal, text=command.text, by=command.by, at=command.at, decision=command.decision,
            incident=command.incident,
        ),
    )  # fmt: skip


def _attach(command: AttachToAppeal, known: Appeal) -> tuple[AppealEvent, ...]:
    if known.state != "open":
        raise Refused("nothing is added to an appeal that is answered or withdrawn", field="appeal")
    if not 1 <= command.number <= ATTACHMENTS:
        raise Refused(f"an appeal has at most {ATTACHMENTS} attachments, numbered from 1", field="number")
    if (before := known.attached.get(command.number)) is not None:
        if before.object_key == command.object_key:
            return ()
        raise Refused("there is an attachment with this number, and nothing is overwritten", field="number")
    return (
        AppealAttached(
            appeal=command.appeal, number=command.number, at=command.at, kind=command.kind, bytes=command.bytes,
            object_key=command.object_key, sha256=command.sha256,
        ),
    )  # fmt: skip


def _answer(command: AnswerAppeal, known: Appeal) -> tuple[AppealEvent, ...]:
    if (known.state, known.by) == (command.answer, command.by):
        return ()
    if known.state != "open":
        raise Refused(f"this appeal is {known.state}", field="appeal")
    for who, did in (
        (command.watched, "watched"), (command.raised, "raised an incident"), (command.judged, "judged"),
        (command.decided, "decided"),
    ):  # fmt: skip
        if command.by in who:
            raise Refused(f"an appeal is answered by nobody who {did}, and you did", field="by")
    return (
        AppealAnswered(
            appeal=command.appeal, answer=command.answer, reason=command.reason, by=command.by, at=command.at
        ),
    )
