"""How much one caller may ask of one process: a token bucket for each session or account and each kind of call.

Every route belongs to a kind: `reads` or `commands`, or what its `opt=limited(...)` names. Nobody is counted by address
alone, because a whole examination hall may sit behind one. Of who has not signed in only what would be appended is
counted: a device that is new to a join link (`joins`, for each link), and failed sign-ins without an account
(api/strangers.py). Buckets are in memory: with several API processes a caller may get as much from each of them. What
must hold across processes is a rule of the domain, such as how many messages one side of a chat may send in a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import ceil
from typing import Any, Literal, NamedTuple, cast

from litestar import Request
from litestar.handlers import BaseRouteHandler

from api.problems import Denied

Kind = Literal[
    "reads", "commands", "signals", "messages", "broadcasts", "interventions", "exports", "pictures", "uploads",
    "late", "joins", "strangers", "all_strangers",
]  # fmt: skip


class Rate(NamedTuple):
    """So many calls at once, and one more each so many seconds."""

    burst: int
    every_s: float


RATES: Mapping[Kind, Rate] = {
    "reads": Rate(1000, 0.02),
    "commands": Rate(500, 0.05),
    "signals": Rate(120, 0.05),
    "messages": Rate(200, 0.05),
    "broadcasts": Rate(60, 1),
    "interventions": Rate(300, 0.1),
    "exports": Rate(200, 5),
    "pictures": Rate(60, 2),
    "uploads": Rate(20, 5),
    "late": Rate(60, 1),
    "joins": Rate(20, 30),
    "strangers": Rate(20, 60),
    "all_strangers": Rate(200, 10),
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_WORDS: Mapping[Kind, str] = {"messages": "you are writing very fast, so this message was not sent"}
_OTHERWISE = "that was very much at once, so this was not done"
_TIDIED_FROM = 1000  # buckets


class Buckets:
    """What is left for each caller. A bucket that is full again is not kept."""

    def __init__(self, rates: Mapping[Kind, Rate], now: Callable[[], float] = time.monotonic) -> None:
        self._rates, self._now = rates, now
        self._full_at: dict[tuple[str, str, Kind], float] = {}
        self._tidied_from = _TIDIED_FROM

    def take(self, tenant: str, who: str, kind: Kind) -> float:
        """Takes one call from a bucket. Gives how many seconds to wait where there is none: then nothing was taken."""
        rate, now, key = self._rates[kind], self._now(), (tenant, who, kind)
        full_at = max(self._full_at.get(key, now), now)
        wait_s = full_at - now - (rate.burst - 1) * rate.every_s
        if wait_s > 0:
            return wait_s
        self._full_at[key] = full_at + rate.every_s
        if len(self._full_at) > self._tidied_from:
            self._full_at = {key: at for key, at in self._full_at.items() if at > now}
            self._tidied_from = max(_TIDIED_FROM, 2 * len(self._full_at))
        return 0.0


def limited(kind: Kind) -> dict[str, Any]:
    """For a route's `opt`: which kind of call it is, where it is neither of the plain ones."""
    return {"limit": kind}


def kind_of(handler: BaseRouteHandler, method: str) -> Kind:
    return cast("Kind", handler.opt.get("limit", "reads" if method in _SAFE else "commands"))


async def within_limits(request: Request[Any, Any, Any]) -> None:
    """A `before_request` hook; the route's guard has said by then who calls. Raises `Denied` 429."""
    caller = request.scope.get("user")
    if caller is None:
        return
    kind = kind_of(request.route_handler, request.method)
    buckets: Buckets = request.app.state.buckets
    if wait_s := buckets.take(caller.tenant, caller.session or caller.actor, kind):
        raise too_fast(_WORDS.get(kind, _OTHERWISE), wait_s)


def too_fast(words: str, wait_s: float) -> Denied:
    """The answer to who must wait: what became of it, for how long, and what to do then."""
    seconds = max(1, ceil(wait_s))
    detail = f"{words}; wait {seconds} second{'s' if seconds > 1 else ''} and try again"
    return Denied(429, "wait", detail, headers={"Retry-After": str(seconds)})
