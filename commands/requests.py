"""A person's requests about their data: received, decided, executed by those who may, answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commands.handler import Work
from commands.keeping import settled
from domain import record, request, schedule, session_rules
from domain.erasure import Erase
from domain.event import Private, Refused
from domain.grounds import Ground
from domain.hold import PlaceHold
from domain.request import Channel, Kind, Proof
from domain.retention import ALL


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What somebody asks for. `subject` is whose data it is about, `session` "" where it is about all of them."""

    kind: Kind
    subject: str
    channel: Channel
    session: str = ""
    text: str = ""


async def receive(work: Work, letter: Letter) -> Mapping[str, str]:
    """Takes a request down. It is due in a month from now."""
    name = work.new_id("request")
    if letter.session:
        await _theirs(work, letter.subject, letter.session)
    order = request.Receive(
        at=work.at, by=work.order.actor, kind=letter.kind, subject=letter.subject, channel=letter.channel,
        session=letter.session, text=_words(letter.subject, name, letter.text) if letter.text.strip() else None,
    )  # fmt: skip
    await work.do(request.DECIDER, name, order)
    return {"request": name}


async def check_identity(work: Work, name: str, proof: Proof) -> None:
    """Somebody has made sure that it is this person who asks."""
    await work.do(request.DECIDER, name, request.CheckIdentity(at=work.at, by=work.order.actor, proof=proof))


async def grant(work: Work, name: str, ground: Ground | None = None) -> None:
    """Grants it; in part, where a ground is given for the rest."""
    await work.do(request.DECIDER, name, request.Grant(at=work.at, by=work.order.actor, ground=ground))


async def refuse(work: Work, name: str, ground: Ground) -> None:
    await work.do(request.DECIDER, name, request.Refuse(at=work.at, by=work.order.actor, ground=ground))


async def execute(work: Work, name: str, *, officer: bool, sessions: Sequence[str]) -> Mapping[str, str]:
    """Says that what was granted be done, and does it when all have said so who have to.

    `sessions` are all of this person's, of which a request about one takes that one only. Nothing of a session that is
    still ahead or under way is erased.
    """
    state = await work.state(request.DECIDER, name)
    wanted = (state.session,) if state.session else tuple(sorted(sessions))
    for session in wanted if state.kind == "erasure" else ():
        await _must_be_over(work, state.subject, session)
    order = request.Execute(at=work.at, by=work.order.actor, officer=officer, sessions=wanted)
    for event in await work.do(request.DECIDER, name, order):
        if isinstance(event, request.Executed):
            await _done(work, name, state.kind, event)
    return {"standing": (await work.state(request.DECIDER, name)).standing}


async def answer(work: Work, name: str, text: str) -> None:
    """What the person is told."""
    state = await work.state(request.DECIDER, name)
    words = _words(state.subject, name, text)
    await work.do(request.DECIDER, name, request.Answer(at=work.at, by=work.order.actor, text=words))


async def _done(work: Work, name: str, kind: Kind, event: request.Executed) -> None:
    """What an execution leads to on the records: erasing, or the restriction that the person asked for."""
    for session in event.sessions:
        if kind == "erasure":
            await work.do(record.DECIDER, session, Erase(at=event.at, request=name, by=event.by))
        elif kind == "restriction":
            everything = tuple(sorted(ALL - (await work.state(record.DECIDER, session)).keeping.erased))
            hold = PlaceHold(hold=name, at=event.at, by=work.order.actor, why="restriction", classes=everything)
            if everything:
                await work.do(record.DECIDER, session, hold)


async def _theirs(work: Work, subject: str, session: str) -> None:
    shelved = (await work.state(record.DECIDER, session)).shelved
    whose = shelved.subject if shelved.bundle else (await work.state(session_rules.DECIDER, session)).subject
    if not whose or whose != subject:
        raise Refused("this person has no such session", field="session", kind="not_found")


async def _must_be_over(work: Work, subject: str, session: str) -> None:
    await _theirs(work, subject, session)
    if (await work.state(record.DECIDER, session)).shelved.bundle:
        return
    state = await work.state(session_rules.DECIDER, session)
    plan = await work.state(schedule.DECIDER, state.schedule)
    if not settled(state, plan, session):
        raise Refused(
            "an exam of theirs is still ahead or under way: withdraw them from it first, or wait", field="sessions"
        )


def _words(subject: str, name: str, text: str) -> Private:
    """Under a key of the request's own: it is kept as long as the request, whatever is erased."""
    return Private(subject, text, session=name, key_class="notes")
