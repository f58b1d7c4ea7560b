"""People at work: orders that they give, and a session brought to where a test begins."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import count

import pytest
from psycopg import AsyncConnection

from commands import chats, flags, schedules, sessions
from commands.handler import Handler, Order, Receipt, UseCase, Work
from commands.ids import Pseudonyms
from commands.ledger import read_stream
from domain import chat
from domain.event import Refused
from domain.onboarding import Check, CheckName
from domain.policy import Policy, Window

NINE = datetime(2026, 6, 1, 9, tzinfo=UTC)
WINDOW = Window(
    opens_at=NINE,
    last_entry_at=NINE + timedelta(minutes=30),
    closes_at=NINE + timedelta(hours=3),
    time_zone="Europe/Vienna",
)
PSEUDONYMS = Pseudonyms(b"p" * 32)
NEEDED: tuple[CheckName, ...] = ("browser", "network", "camera", "microphone", "screen")
_numbers = count(1)


def order(
    actor: str = "planner",
    key: str = "",
    *,
    body: str = "",
    tenant: str = "tu",
    at: datetime = NINE + timedelta(minutes=10),
) -> Order:
    """A request of somebody's, with a key of its own unless one is given."""
    key = key or f"key {next(_numbers)}"
    return Order(tenant=tenant, actor=actor, key=key, request=sha256(body.encode()).digest(), at=at)


async def planned(handler: Handler, *, policy: Policy | None = None, candidates: int = 1) -> tuple[str, list[str]]:
    """A schedule that is open, and its candidates' sessions."""
    day_before = NINE - timedelta(days=1)

    async def say(use_case: UseCase) -> Receipt:
        return await handler.run(order(at=day_before), use_case)

    created = await say(
        lambda work: schedules.create(
            work, title="Algebra I", window=WINDOW, duration_s=7200, policy=policy or Policy()
        )
    )
    name = created.ids["schedule"]
    names = []
    for _ in range(candidates):
        person = schedules.Candidate(name="Ada Lovelace", number=f"number {next(_numbers)}", email="ada@example.org")
        enrolled = await say(lambda work, person=person: schedules.enrol(work, name, person, PSEUDONYMS))
        names.append(enrolled.ids["session"])
    await say(lambda work: schedules.set_live_proctoring(work, name, enabled=True))
    await say(lambda work: schedules.activate(work, name))
    return name, names


async def ready(handler: Handler, session: str, policy: Policy | None = None) -> None:
    notice = sessions.notice_hash(policy or Policy())
    checks = tuple(Check(name=name, passed=True) for name in NEEDED)
    candidate = f"candidate/{session}"
    await handler.run(
        order(candidate), lambda work: sessions.acknowledge_notice(work, session, policy_version=1, sha256=notice)
    )
    await handler.run(order(candidate), lambda work: sessions.report_check(work, session, checks))


async def running(handler: Handler) -> str:
    """A session that is in progress."""
    _, (session,) = await planned(handler)
    await ready(handler, session)
    await handler.run(order(f"candidate/{session}"), lambda work: sessions.start(work, session))
    return session


def say(text: str, session: str, side: chat.Side = "candidate") -> UseCase:
    return partial(_send, session=session, side=side, text=text)


async def _send(work: Work, session: str, side: chat.Side, text: str) -> Mapping[str, str]:
    return await chats.send(work, session, side=side, text=text)


def note(session: str, text: str = "Talks to somebody.") -> UseCase:
    return lambda work: flags.raise_by_hand(work, session, severity="warn", note=text)


async def outcome(pending: Awaitable[Receipt]) -> str:
    """Done, repeated, or the rule that refused."""
    try:
        return "repeated" if (await pending).repeated else "done"
    except Refused as refusal:
        return refusal.rule


async def tags(app: AsyncConnection, stream: str) -> list[str]:
    """What happened in a stream."""
    return [row.tag for row in await read_stream(app, stream)]


async def do(handler: Handler, use_case: UseCase, *, actor: str = "someone", minute: float = 10) -> Mapping[str, str]:
    return (await handler.run(order(actor, at=NINE + timedelta(minutes=minute)), use_case)).ids


async def refused(handler: Handler, use_case: UseCase, rule: str, *, field: str = "", minute: float = 10) -> None:
    with pytest.raises(Refused, match=rule) as caught:
        await do(handler, use_case, minute=minute)
    assert caught.value.field == field
