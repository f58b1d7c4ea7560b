"""Load, decide, append; again on conflict. Every command of Vigil goes through `Handler.run`.

A use case is an async function that takes a `Work`: it loads states, lets deciders decide, and returns the ids of what
it made. It has no other effect, because it runs again when a stream has moved on meanwhile. A refusal is an answer: it
leaves a receipt like everything else, and the same command gets the same answer again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.archived import refuse
from commands.envelope import all_keys, encode, keys_of, read, tag_of, unseal
from commands.ids import command_id, new_id
from commands.keys import Forgotten, KeyName, KeyRing
from commands.ledger import Append, Appender, Part, read_stream
from domain.event import Decider, Event, Refusal, Refused
from domain.recorded import Envelope
from domain.registry import SCHEMA
from domain.stream import Stream

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=Event)

TRIES = 20
CACHED = 50_000  # folded states kept in memory


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants something, when, and under which key it may be repeated. `request` is SHA-256 of what was asked."""

    tenant: str
    actor: str
    key: str
    request: bytes
    at: datetime
    occurred_at: datetime | None = None
    skew_ms: float | None = None
    correlation: str = ""
    causation: int | None = None

    @property
    def command(self) -> UUID:
        return command_id(self.tenant, self.actor, self.key)


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a receipt keeps of the answer: the ids, or the rule that refused. No personal data."""

    ids: dict[str, str] = {}
    rule: str = ""
    field: str = ""
    kind: Refusal = "conflict"
    after_s: int = 0


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a command that was not refused. `position` is None when it changed nothing."""

    command: UUID
    ids: Mapping[str, str]
    position: int | None
    recorded_at: datetime
    repeated: bool


class KeyReused(Exception):
    """The idempotency key was used before, for another request."""


class Busy(Exception):
    """The streams moved on too often; nothing was changed."""


class Work:
    """One try of one command: the states that it saw, and the events that it decided on."""

    def __init__(self, handler: Handler, order: Order) -> None:
        self._handler = handler
        self.order = order
        self.command = order.command
        self.at = order.at
        self.seen: dict[str, tuple[int, Any, Decider[Any, Any, Any]]] = {}
        self.made: dict[str, list[Event]] = {}

    async def state(self, decider: Decider[S, C, E], name: str) -> S:
        """A stream's state, this command's own events included."""
        return (await self._seen(decider, self._stream(decider, name)))[1]

    async def version(self, decider: Decider[S, C, E], name: str) -> int:
        """A stream's version, this command's own events left out; 0 when there is nothing yet."""
        return (await self._seen(decider, self._stream(decider, name)))[0]

    async def do(self, decider: Decider[S, C, E], name: str, command: C) -> tuple[E, ...]:
        """Lets the decider decide. Raises `Refused`."""
        stream = self._stream(decider, name)
        version, state = await self._seen(decider, stream)
        events = decider.decide(command, state)
        for event in events:
            state = decider.evolve(state, event)
        self.seen[stream] = (version, state, decider)
        if events:
            self.made.setdefault(stream, []).extend(events)
        return events

    def new_id(self, label: str) -> str:
        return new_id(self.command, label)

    def _stream(self, decider: Decider[S, C, E], name: str) -> str:
        return str(Stream(self.order.tenant, decider.kind, name))

    async def _seen(self, decider: Decider[S, C, E], stream: str) -> tuple[int, S]:
        if stream not in self.seen:
            version, state = await self._handler.load(decider, stream)
            self.seen[stream] = (version, state, decider)
        return self.seen[stream][:2]


UseCase = Callable[[Work], Awaitable[Mapping[str, str] | None]]


class Handler:
    """Runs use cases against the ledger. Holds folded states per stream; a conflict refreshes them."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection], appender: Appender, keys: KeyRing) -> None:
        self._pool = pool
        self._appender = appender
        self.keys = keys
        self._states: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(self, order: Order, use_case: UseCase) -> Receipt:
        """Raises `Refused`, `KeyReused`, `Busy`, `commands.ledger.LedgerAway`."""
        for _ in range(TRIES):
            work = Work(self, order)
            outcome, parts = await self._attempt(work, use_case)
            if outcome.kind == "wait":
                await self._refresh(work)
                work = Work(self, order)
                outcome, parts = await self._attempt(work, use_case)
            if outcome.kind == "wait":
                raise _refused(outcome)  # without a receipt, so that the same command may come again
            # Those who write to the same stream do so one after another, so that a crowd does not race in vain.
            turns = [self._turns.setdefault(stream, asyncio.Lock()) for stream in sorted(work.made)]
            held = []
            try:
                for turn in turns:
                    await turn.acquire()
                    held.append(turn)
                if self._overtaken(work):
                    work = Work(self, order)
                    outcome, parts = await self._attempt(work, use_case)
                answer = await self._appender.append(Append(work.command, order.request, _encode(outcome), parts))
                if answer.verdict == "conflict":
                    await self._refresh(work)
                    continue
                if answer.verdict == "archived":
                    await self._away(work)
                if answer.verdict == "done":
                    self._remember(work)
            finally:
                for turn in held:
                    turn.release()
            if answer.verdict == "again":
                if answer.request != order.request:
                    raise KeyReused("this Idempotency-Key was used for another request; take a new one")
                outcome = _decode(answer.outcome or "{}")
            if outcome.rule:
                raise _refused(outcome)
            return Receipt(
                command=work.command, ids=outcome.ids, position=answer.position, recorded_at=answer.recorded_at,
                repeated=answer.verdict == "again",
            )  # fmt: skip
        raise Busy("this is being changed by many at once; try again")

    async def load(self, decider: Decider[S, C, E], stream: str, *, fresh: bool = False) -> tuple[int, S]:
        """The version and folded state of a stream, from memory unless `fresh`."""
        version, state = self._states.get(stream, (0, decider.initial))
        if version and not fresh:
            self._states.move_to_end(stream)
            return version, state
        async with self._pool.connection() as conn:
            # The last one that is known comes along: were it archived meanwhile, it is said here as it is elsewhere.
            rows = [row for row in await read_stream(conn, stream, max(version - 1, 0)) if row.version > version]
        events = [read(row)[1] for row in rows]
        await self.keys.fetch(all_keys(events))
        for row, event in zip(rows, events, strict=True):
            state = decider.evolve(state, unseal(event, stream, row.version, self.keys.held))  # type: ignore[arg-type]
            version = row.version
        if version:
            self._keep(stream, version, state)
        return version, state

    def forget(self) -> None:
        """Drops every state from memory: some hold texts whose keys are destroyed by now."""
        self._states.clear()

    def _overtaken(self, work: Work) -> bool:
        """Whether this process knows by now that a stream has moved on. What others did, the ledger tells."""
        return any(self._states.get(stream, (0, None))[0] > version for stream, (version, _, _) in work.seen.items())

    async def _attempt(self, work: Work, use_case: UseCase) -> tuple[Outcome, list[Part]]:
        try:
            ids = await use_case(work)
            return Outcome(ids=dict(ids or {})), await self._parts(work)
        except Refused as refusal:
            work.made.clear()  # what was only read stays: the refusal rests on it
            outcome = Outcome(rule=refusal.rule, field=refusal.field, kind=refusal.kind, after_s=refusal.after_s)
            return outcome, await self._parts(work)

    async def _parts(self, work: Work) -> list[Part]:
        order = work.order
        envelope = Envelope(
            actor=order.actor, command=str(work.command), occurred_at=order.occurred_at, skew_ms=order.skew_ms,
            correlation=order.correlation, causation=order.causation, schema=SCHEMA,
        )  # fmt: skip
        parts = []
        for stream, (version, _, _) in work.seen.items():
            rows = []
            for n, event in enumerate(work.made.get(stream, ()), version + 1):
                for name in keys_of(event):
                    await self._key(name)
                rows.append((tag_of(event), encode(event, envelope, stream, n, self.keys.held)))
            parts.append(Part(stream, version, rows))
        return parts

    async def _key(self, name: KeyName) -> None:
        try:
            await self.keys.data_key(name)
        except Forgotten as error:
            raise Refused(str(error)) from error

    async def _away(self, work: Work) -> None:
        """Raises `Away`. No receipt is left: once the stream is back, the same command may come again."""
        for stream in work.seen:
            self._states.pop(stream, None)
        async with self._pool.connection() as conn:
            await refuse(conn, work.seen)
        raise Busy("what was archived is on its way back; try again")

    async def _refresh(self, work: Work) -> None:
        for stream, (_, _, decider) in work.seen.items():
            await self.load(decider, stream, fresh=True)

    def _remember(self, work: Work) -> None:
        for stream, made in work.made.items():
            version, state, _ = work.seen[stream]
            self._keep(stream, version + len(made), state)

    def _keep(self, stream: str, version: int, state: object) -> None:
        if self._states.get(stream, (0, None))[0] > version:
            return  # another command was quicker
        self._states[stream] = (version, state)
        self._states.move_to_end(stream)
        if len(self._states) > CACHED:
            self._states.popitem(last=False)


def _refused(outcome: Outcome) -> Refused:
    return Refused(outcome.rule, field=outcome.field, kind=outcome.kind, after_s=outcome.after_s)


def _encode(outcome: Outcome) -> str:
    return msgspec.json.encode(outcome, order="deterministic").decode()


def _decode(text: str) -> Outcome:
    return msgspec.json.decode(text, type=Outcome)
