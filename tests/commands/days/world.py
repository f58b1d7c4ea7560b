"""A ledger in memory for use cases: one order of events, a version for each stream, everything or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar, cast

from commands.handler import Handler, Order, UseCase, Work
from domain.event import Decider, Event, Refused
from domain.recorded import Envelope, Recorded

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=Event)


class Said(NamedTuple):
    """A command, and its answer: the ids and events that it made, or the rule that refused it."""

    order: Order
    use_case: UseCase
    ids: Mapping[str, str]
    made: Mapping[str, list[Event]]
    refused: Refused | None


class World:
    """Stands in for the handler's ledger. Use cases run against it at once, because nothing in it waits."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.log: list[Recorded] = []
        self.said: list[Said] = []
        self._states: dict[str, tuple[int, Any]] = {}

    async def load(self, decider: Decider[S, C, E], stream: str) -> tuple[int, S]:
        """What `Work` asks of a handler."""
        return self._states.get(stream, (0, decider.initial))

    def state(self, decider: Decider[S, C, E], name: str) -> S:
        return cast("S", self._states.get(f"{self.tenant}/{decider.kind}/{name}", (0, decider.initial))[1])

    def say(self, actor: str, at: datetime, use_case: UseCase) -> Said:
        """Runs a command. A refusal is an answer, and changes nothing."""
        key = f"{len(self.said)}"
        order = Order(tenant=self.tenant, actor=actor, key=key, request=sha256(key.encode()).digest(), at=at)
        work = Work(cast("Handler", self), order)
        try:
            ids = _at_once(use_case(work)) or {}
        except Refused as refusal:
            said = Said(order, use_case, {}, {}, refusal)
        else:
            self._append(work)
            said = Said(order, use_case, ids, work.made, None)
        self.said.append(said)
        return said

    def _append(self, work: Work) -> None:
        envelope = Envelope(actor=work.order.actor, command=str(work.command))
        for stream, made in work.made.items():
            version, state, _ = work.seen[stream]
            for event in made:
                version += 1
                self.log.append(Recorded(len(self.log) + 1, stream, version, work.at, envelope, event))
            self._states[stream] = (version, state)


def _at_once(pending: Any) -> Mapping[str, str] | None:  # noqa: ANN401 - a coroutine, typed as any awaitable
    try:
        pending.send(None)
    except StopIteration as done:
        return cast("Mapping[str, str] | None", done.value)
    raise AssertionError("a use case waited for something else than its states")
