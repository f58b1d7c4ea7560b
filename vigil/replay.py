"""`vigil replay`: a session from its stream alone, event by event, and the state at any past moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
from psycopg import AsyncConnection

from api.opening import decoder
from commands.envelope import PRIVATE_FIELDS, tag_of
from commands.ledger import position_at, read_session
from commands.library import Ledger
from domain.archive import Away
from domain.event import Private
from domain.recorded import Recorded, Stored
from domain.session import Session
from domain.stream import Stream
from vigil.settings import Settings
from vigil.wiring import attached, core

_DIGITS = 18  # of a position


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """How a session stood at a position of the ledger."""

    session: str
    position: int
    at: datetime | None
    phase: str
    due_at: datetime | None
    extra_s: int
    stopped_s: float
    lost: list[str]
    faults: list[str]
    open_incidents: dict[str, str]
    verdicts: dict[str, str]
    messages: int
    recordings: dict[str, int]  # track -> segments stored
    seals: int


async def replay(
    settings: Settings, session: str, *, tenant: str, as_of: str | None, speed: float | None, as_json: bool,
    write: Callable[[str], Any],
) -> None:  # fmt: skip
    """Writes a line for each event in order, then the state that they led to. `speed` plays it in time."""
    settings = attached(settings)
    async with core(settings, "replay") as here, here.pool.connection() as conn:
        position = await _position(conn, as_of)
        try:
            rows = await read_session(conn, tenant, session, position)
        except Away as away:
            raise click.ClickException(away.rule) from away
        if not rows:
            raise click.ClickException(
                f"there is nothing of a session {session!r}{'' if as_of is None else ' up to then'}"
            )
        decode = decoder(here.keys)
        before: datetime | None = None
        for start in range(0, len(rows), 500):
            for event in await decode(rows[start : start + 500]):
                if isinstance(event, Exception):
                    raise event
                if speed and before:
                    await asyncio.sleep(max(0.0, (event.recorded_at - before).total_seconds() / speed))
                before = event.recorded_at
                write(_json(event) if as_json else _line(event))
    moment = await asyncio.to_thread(_moment, settings, tenant, session, rows)
    write(msgspec.json.encode(moment).decode() if as_json else _picture(moment))


async def _position(conn: AsyncConnection, as_of: str | None) -> int | None:
    if as_of is None or (as_of.isascii() and as_of.isdigit() and len(as_of) <= _DIGITS):
        return int(as_of) if as_of else None
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError:
        raise click.BadParameter("a time or a position of the ledger is expected", param_hint="--as-of") from None
    if moment.tzinfo is None:
        rule = "a time needs its offset from UTC, as in 2026-06-01T09:42:07+02:00"
        raise click.BadParameter(rule, param_hint="--as-of")
    return await position_at(conn, moment)


def _moment(settings: Settings, tenant: str, session: str, rows: list[Stored]) -> Moment:
    """Folds each stream to the version that it had then, with the library's replay to a version."""
    versions: dict[str, int] = {}
    for row in rows:
        versions[row.stream] = row.version
    own = str(Stream(tenant, "session", session))
    with closing(Ledger(settings.database_url_for("app"))) as ledger:
        states: dict[str, Any] = {stream: ledger.state(stream, version) for stream, version in versions.items()}
    state: Session = states.get(own, Session())
    incidents = states.get(str(Stream(tenant, "incidents", session)))
    chat = states.get(str(Stream(tenant, "chat", session)))
    record = states.get(str(Stream(tenant, "record", session)))
    recordings = {s.rpartition(".")[2]: len(v.segments) for s, v in states.items() if "/recording/" in s}
    return Moment(
        session=session, position=rows[-1].position if rows else 0, at=rows[-1].recorded_at if rows else None,
        phase=state.phase, due_at=state.due_at, extra_s=state.extra_s, stopped_s=state.stopped_s,
        lost=sorted(state.lost), faults=sorted(state.faults),
        open_incidents={i: opened.kind for i, opened in incidents.open.items()} if incidents else {},
        verdicts={i: v[-1].verdict for i, v in incidents.verdicts.items()} if incidents else {},
        messages=len(chat.sent) if chat else 0, recordings=recordings, seals=record.seals if record else 0,
    )  # fmt: skip


def _fields(event: Recorded) -> dict[str, Any]:
    private = PRIVATE_FIELDS[type(event.body)]
    shown: dict[str, Any] = {}
    for name in event.body.__struct_fields__:
        value = getattr(event.body, name)
        shown[name] = value.text if name in private and isinstance(value, Private) else value
    return shown


def _json(event: Recorded) -> str:
    return msgspec.json.encode(
        {
            "position": event.position, "stream": event.stream, "version": event.version,
            "recorded_at": event.recorded_at, "actor": event.envelope.actor, "type": tag_of(event.body),
            "data": _fields(event),
        }
    ).decode()  # fmt: skip


def _line(event: Recorded) -> str:
    shown = ", ".join(f"{k}={_short(v)}" for k, v in _fields(event).items())
    at = event.recorded_at.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{event.position:>8}  {at}  {tag_of(event.body):<28} {event.envelope.actor:<24} {shown}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."


def _picture(moment: Moment) -> str:
    lines = [f"{name.replace('_', ' '):>16}: {getattr(moment, name)}" for name in Moment.__struct_fields__]
    return "\n".join(["", "as it stood then", *lines])
