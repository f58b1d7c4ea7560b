"""What concerns one candidate, folded from their session's own events: state and clock, chat, interventions, help.

It is read from the ledger itself, so a candidate sees a pause as soon as it is recorded. Nothing else of the record is
in it: neither incidents nor who the invigilators are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from api.opening import decoder
from api.services import Services
from commands.ledger import COLUMNS
from domain import chat, session_rules
from domain import help as asking
from domain import identity as identities
from domain import intervention as interventions
from domain.consent import Answer
from domain.event import Event
from domain.muting import mutes
from domain.next_step import Step
from domain.onboarding import CheckName
from domain.phase import Phase
from domain.policy import IncidentKind
from domain.purpose import Purpose
from domain.recorded import Recorded, Stored
from domain.session import Session, evolve
from domain.sight import guidance
from domain.stop_rules import rest_left_s
from domain.stops import Break, BreakAsked, BreakKind
from domain.stream import Stream, parse
from projections.allowed import Allowance, allowance
from projections.model import decoded
from projections.stages import STAGES, reached


class Clock(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="session"):
    """The session's state and time. `due_at` is None before the start and while the clock stands.

    On a rest break it stands until `on_break.until`, and `due_at` is when it then runs out. `rest_left_s` is what is
    left of rest breaks that were granted beforehand. `allowed` is all that an accommodation gives, and `muted` are
    detectors that stay silent; `waived` are checks that are not needed, whose tracks are not owed.
    """

    phase: Phase
    checked: bool
    started_at: datetime | None
    due_at: datetime | None
    end_at: datetime | None
    stopped_since: datetime | None
    stopped_s: float
    extra_s: int
    duration_s: int
    ended_at: datetime | None
    faults: tuple[str, ...]
    guidance: str = ""  # what the candidate can do so that they are seen well
    on_break: Break | None = None
    break_asked: BreakAsked | None = None
    rest_left_s: int = 0
    allowed: Allowance | None = None
    muted: tuple[IncidentKind, ...] = ()
    waived: tuple[CheckName, ...] = ()
    consents: dict[Purpose, Answer] = {}


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="message"):
    """One chat message. `text` is None once it has been erased."""

    message: str
    side: chat.Side
    at: datetime
    text: str | None
    delivered: bool = False
    read: bool = False


class Intervention(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="intervention"):
    """What was asked of the candidate (`action`: warn, pause, ...), and how far it came.

    `platform` is whether a connected exam platform says that it has done the same.
    """

    intervention: str
    action: interventions.Kind
    at: datetime
    reason_code: str
    text: str | None
    minutes: float | None
    stage: interventions.Stage = "requested"
    break_kind: BreakKind | None = None
    platform: bool = False


class Help(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="help"):
    """What the candidate asked for last. `text` and `answer` are "" where nothing was said, None once erased."""

    help: str
    topic: asking.Topic
    at: datetime
    text: str | None
    stage: Literal["requested", "taken", "answered", "withdrawn"] = "requested"
    answer: str | None = ""


class Identity(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="identity"):
    """How far the identity check came. `reason` is why pictures were rejected; None once erased, "" where not said."""

    standing: identities.Standing = "none"
    pictures: tuple[identities.Picture, ...] = ()
    reason: str | None = ""


class Devices(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="devices"):
    """`asking` counts other devices that ask to go on with this exam."""

    asking: int = 0


Change = Clock | Message | Intervention | Help | Identity | Devices


class View(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="snapshot"):
    """The whole view at `position`, for a page that opens. `unread` counts messages that the candidate has not read.
    `next` is what they have to do now.
    """

    position: int
    server_time: datetime
    time_zone: str
    unread: int
    next: Step
    session: Clock
    messages: tuple[Message, ...]
    interventions: tuple[Intervention, ...]
    help: Help | None
    identity: Identity
    devices: Devices


class CandidateView:
    """Folds events one by one and tells what each changed."""

    def __init__(self) -> None:
        self.position = 0
        self.session: Session = session_rules.DECIDER.initial
        self.messages: dict[str, Message] = {}
        self.interventions: dict[str, Intervention] = {}
        self.help: Help | None = None
        self.identity, self.devices = Identity(), Devices()

    def whole(self, at: datetime, time_zone: str, upcoming: Step) -> View:
        unread = sum(one.side == "invigilator" and not one.read for one in self.messages.values())
        return View(
            position=self.position, server_time=at, time_zone=time_zone, unread=unread,
            next=upcoming, session=clock(self.session),
            messages=tuple(self.messages.values()), interventions=tuple(self.interventions.values()), help=self.help,
            identity=self.identity, devices=self.devices,
        )  # fmt: skip

    def fold(self, event: Recorded) -> Iterator[Change]:
        self.position = event.position
        stream = parse(event.stream)
        body = event.body
        if stream.kind == "session":
            before = clock(self.session)
            self.session = evolve(self.session, body)  # type: ignore[arg-type]  # the stream's own kind
            if clock(self.session) != before:
                yield clock(self.session)
            if (asked := _help(self.help, body)) and asked != self.help:
                self.help = asked
                yield asked
            yield from self._admission(body)
        elif stream.kind == "chat":
            if changed := self._chat(body):
                self.messages[changed.message] = changed
                yield changed
        elif wanted := self._intervention(stream.name, body):
            self.interventions[stream.name] = wanted
            yield wanted

    def _admission(self, body: object) -> Iterator[Change]:
        reason = body.reason.text if isinstance(body, identities.IdentityRejected) else ""
        now, pictures = self.session.identity, tuple(sorted(self.session.identity.pictures))
        if now.standing == "rejected" and not isinstance(body, identities.IdentityRejected):
            reason = self.identity.reason
        identity = Identity(standing=now.standing, pictures=pictures, reason=reason)
        if identity != self.identity:
            self.identity = identity
            yield identity
        devices = Devices(asking=len(self.session.devices.asking))
        if devices != self.devices:
            self.devices = devices
            yield devices

    def _chat(self, body: object) -> Message | None:
        match body:
            case chat.MessageSent(message=name, side=side, at=at, text=text):
                return Message(message=name, side=side, at=at, text=text.text)
            case chat.MessageDelivered(message=name) if name in self.messages:
                return replace(self.messages[name], delivered=True)
            case chat.MessageRead(message=name) if name in self.messages:
                return replace(self.messages[name], delivered=True, read=True)
        return None

    def _intervention(self, name: str, body: object) -> Intervention | None:
        match body:
            case interventions.Requested(kind=kind, at=at, reason_code=code, text=text, minutes=minutes):
                return Intervention(
                    intervention=name, action=kind, at=at, reason_code=code, text=text.text if text else None,
                    minutes=minutes, break_kind=body.break_kind,
                )  # fmt: skip
            case _ if name not in self.interventions:
                return None
            case interventions.Applied(where="platform"):
                return replace(self.interventions[name], stage="applied", platform=True)
            case Event() if type(body) in STAGES:
                return replace(self.interventions[name], stage=reached(self.interventions[name].stage, body))
        return None


def _help(known: Help | None, body: object) -> Help | None:
    match body:
        case asking.HelpRequested(help=name, topic=topic, at=at, text=text):
            return Help(help=name, topic=topic, at=at, text=text.text if text else "")
        case asking.HelpTaken() if known:
            return replace(known, stage="taken")
        case asking.HelpReleased() if known:
            return replace(known, stage="requested")
        case asking.HelpAnswered(text=text) if known:
            return replace(known, stage="answered", answer=text.text if text else "")
        case asking.HelpWithdrawn() if known:
            return replace(known, stage="withdrawn")
    return known


def clock(state: Session) -> Clock:
    return Clock(
        phase=state.phase, checked=state.checked, started_at=state.started_at, due_at=state.due_at,
        end_at=state.end_at, stopped_since=state.stopped_since, stopped_s=state.stopped_s, extra_s=state.extra_s,
        duration_s=state.duration_s, ended_at=state.ended_at, faults=tuple(sorted((*state.faults, *state.lost))),
        guidance=guidance(state.ill_seen) if state.phase == "in_progress" else "",
        on_break=state.on_break, break_asked=state.break_asked, rest_left_s=rest_left_s(state),
        allowed=allowance(state.allowed.accommodation, state.allowed.objects), muted=tuple(sorted(mutes(state))),
        waived=tuple(sorted(state.waived)),
        consents={purpose: one.answer for purpose, one in state.consents.items()},
    )  # fmt: skip


async def events_of(services: Services, tenant: str, session: str, after: int = 0) -> Sequence[Recorded]:
    """The events after a position that a candidate's view is made of, opened."""
    exact = [str(Stream(tenant, kind, session)) for kind in ("session", "chat")]
    below = str(Stream(tenant, "intervention", session))  # followed by "." and "/" is the next character in collation C
    async with services.pool.connection() as conn:
        cursor = await conn.execute(
            f"SELECT {COLUMNS} FROM ledger.events"  # noqa: S608 - fixed column names
            " WHERE (originator_id = ANY(%s) OR (originator_id >= %s AND originator_id < %s)) AND notification_id > %s"
            " ORDER BY notification_id",
            (exact, f"{below}.", f"{below}/", after),
            prepare=True,
        )
        rows = [Stored(*row) async for row in cursor]
    return [event for event in await decoded(decoder(services.handler.keys), rows) if isinstance(event, Recorded)]
