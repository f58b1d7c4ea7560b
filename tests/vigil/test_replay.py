"""`vigil replay`: any session, any moment, from its stream alone."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import click
import msgspec
import pytest

from commands import chats
from commands.envelope import encode, tag_of
from commands.keys import KeyName
from commands.ledger import Append, Appender, Part
from domain.chat import MessageSent
from domain.event import Private
from domain.recorded import Envelope
from tests.vigil.hall import Hall
from vigil.replay import replay

MANY = 10_000


async def replayed(
    hall: Hall, session: str, as_of: str | None = None, *, speed: float | None = None, as_json: bool = False
) -> list[str]:
    lines: list[str] = []
    settings, write = hall.core.settings, lines.append
    await replay(settings, session, tenant="main", as_of=as_of, speed=speed, as_json=as_json, write=write)
    return lines


async def paused_and_resumed(hall: Hall) -> tuple[str, str]:
    """A session, and a moment in its pause."""
    session = await hall.sitting()
    await hall.intervene(session, "pause")
    await asyncio.sleep(0.05)
    moment = hall.clock().isoformat()
    await asyncio.sleep(0.05)
    await hall.intervene(session, "resume")
    return session, moment


async def test_it_shows_every_event_in_order_and_the_state_at_the_end(hall: Hall) -> None:
    session, _ = await paused_and_resumed(hall)
    await hall.say(partial(chats.send, session=session, side="candidate", text="Good morning"))
    lines = await replayed(hall, session)
    happened = [str(type(event).__struct_config__.tag) for event in await hall.events(session)]
    assert [line.split()[2] for line in lines[:-1]] == happened
    assert "Good morning" in "".join(lines)
    assert "phase: in_progress" in lines[-1]
    assert "messages: 1" in lines[-1]


async def test_as_of_a_moment_in_the_pause_it_is_paused(hall: Hall) -> None:
    session, moment = await paused_and_resumed(hall)
    lines = await replayed(hall, session, moment)
    assert "phase: paused" in lines[-1]
    assert not [line for line in lines if "session.resumed" in line]
    position = msgspec.json.decode((await replayed(hall, session, moment, as_json=True))[-1])["position"]
    assert await replayed(hall, session, str(position)) == lines


async def test_as_of_any_position_it_is_what_was_then(hall: Hall) -> None:
    session, _ = await paused_and_resumed(hall)
    phases = []
    for line in (await replayed(hall, session, as_json=True))[:-1]:
        event = msgspec.json.decode(line)
        (*_, state) = await replayed(hall, session, str(event["position"]), as_json=True)
        phases.append((event["type"], msgspec.json.decode(state)["phase"]))
    assert [phase for tag, phase in phases if tag.startswith("session.")] == [
        "expected", "checking", "checking", "ready", "in_progress", "paused", "in_progress",
    ]  # fmt: skip


async def test_as_json_each_line_is_an_object(hall: Hall) -> None:
    session, _ = await paused_and_resumed(hall)
    *events, state = map(msgspec.json.decode, await replayed(hall, session, as_json=True))
    fields = {"position", "stream", "version", "recorded_at", "actor", "type", "data"}
    assert all(event.keys() == fields for event in events)
    positions = [event["position"] for event in events]
    assert positions == sorted(positions)
    assert (state["session"], state["phase"]) == (session, "in_progress")


async def test_with_a_speed_it_takes_its_time(hall: Hall) -> None:
    session, _ = await paused_and_resumed(hall)
    *events, _ = map(msgspec.json.decode, await replayed(hall, session, as_json=True))
    first, last = (msgspec.convert(events[n]["recorded_at"], type=datetime) for n in (0, -1))
    span_s = (last - first).total_seconds()
    began = time.monotonic()
    await replayed(hall, session, speed=0.5)
    assert time.monotonic() - began >= 2 * span_s


async def test_a_session_that_is_not_there_or_a_moment_that_is_none_is_said_plainly(hall: Hall) -> None:
    session, _ = await paused_and_resumed(hall)
    with pytest.raises(click.ClickException, match="nothing of a session 'nobody'"):
        await replayed(hall, "nobody")
    with pytest.raises(click.ClickException, match="up to then"):
        await replayed(hall, session, (hall.clock() - timedelta(days=1)).isoformat())
    with pytest.raises(click.BadParameter, match="a time or a position"):
        await replayed(hall, session, "yesterday")
    with pytest.raises(click.BadParameter, match="a time or a position"):
        await replayed(hall, session, "9" * 40)
    with pytest.raises(click.BadParameter, match="offset from UTC"):
        await replayed(hall, session, "2026-06-01T09:42:07")


async def test_ten_thousand_events_begin_to_play_within_a_second(hall: Hall) -> None:
    session = await hall.sitting()
    await _chatter(hall, session, MANY)
    began = time.monotonic()
    first: list[float] = []

    def write(_: str) -> None:
        first.append(time.monotonic() - began)

    await replay(hall.core.settings, session, tenant="main", as_of=None, speed=None, as_json=False, write=write)
    print(f"{len(first)} lines, the first after {first[0]:.2f} s, the last after {first[-1]:.2f} s")
    assert len(first) > MANY
    assert first[0] < 1.0


async def _chatter(hall: Hall, session: str, count: int) -> None:
    """Many messages at once, as if somebody had pasted a book."""
    subject, stream = (await hall.state(session)).subject, f"main/chat/{session}"
    await hall.core.keys.data_key(KeyName(subject, session, "chat"))
    envelope = Envelope(actor="candidate", command=str(uuid4()))
    rows = []
    for n in range(1, count + 1):
        text = Private(subject, f"message {n}", session=session, key_class="chat")
        event = MessageSent(message=f"m{n}", side="candidate", by=subject, at=hall.clock(), text=text)
        rows.append((tag_of(event), encode(event, envelope, stream, n, hall.core.keys.held)))
    async with Appender(hall.core.settings.database_url_for("app")) as appender:
        answer = await appender.append(Append(uuid4(), b"", "{}", [Part(stream, 0, rows)]))
    assert answer.verdict == "done"
