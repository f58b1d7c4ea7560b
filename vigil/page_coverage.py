"""How much the candidate's page could tell of, kind by kind, once a session is over.

What it could not tell of is not observed, never clean: a browser that does not say, a page that was silent, or an exam
in a tab of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from math import ceil

from commands import flags
from commands.envelope import read
from commands.ledger import read_stream
from domain import incidents
from domain.browser import BrowserKind
from domain.coverage import ReportCoverage
from domain.event import Event
from domain.muting import mutes
from domain.page import PageObserved
from domain.session import Session
from domain.stream import Stream
from vigil.coverage import Span, common_s, observed
from vigil.wiring import Core

SAMPLE_S = 2.0  # how often a page signals when all is well


async def report(core: Core, actor: str, tenant: str, name: str, state: Session) -> None:
    """Tells of each kind that the policy has on, unless that was told since the session was reopened."""
    if state.started_at is None or not state.policy.browser:
        return
    _, seen = await core.handler.load(incidents.DECIDER, str(Stream(tenant, "incidents", name)), fresh=True)
    missing = [one.kind for one in state.policy.browser if not seen.covers(one.kind, state.reopened)]
    if not missing:
        return
    async with core.pool.connection() as conn:
        happened = [read(row)[1] for row in await read_stream(conn, str(Stream(tenant, "session", name)))]
    silent = mutes(state)
    for kind in missing:
        muted_at = silent[kind].since if kind in silent else None
        order = told(kind, happened, state.ended_at or core.now(), state.reopened, muted_at)
        cause = f"coverage {name} {kind} {state.reopened}"
        await core.act(tenant, actor, cause, partial(flags.report_coverage, session=name, order=order))


def told(
    kind: BrowserKind,
    happened: Iterable[Event],
    ended_at: datetime,
    reopened: int = 0,
    muted_at: datetime | None = None,
) -> ReportCoverage:
    """What to report of the whole session, in seconds, and in samples of as many as a page would have sent."""
    happened = list(happened)
    ran = observed(happened)
    due_s = sum((until - since).total_seconds() for since, until in ran)
    seen_s = common_s(_told_of(kind, happened, ended_at), ran)
    muted_s = common_s([(muted_at, max(ended_at, muted_at))], ran) if muted_at else 0.0
    due, taken = int(due_s / SAMPLE_S), int(seen_s / SAMPLE_S)
    muted = min(int(muted_s / SAMPLE_S), due - taken)
    cannot_tell = due - taken - muted
    silent_s = due_s - common_s(_told_of(None, happened, ended_at), ran)
    silent = min(ceil(silent_s / SAMPLE_S), cannot_tell)
    reasons = {"page_silent": silent, "page_cannot": cannot_tell - silent}
    return ReportCoverage(
        detector=kind, due=due, taken=taken, cannot_tell=cannot_tell, overloaded=0, muted=muted,
        due_s=round(due_s, 1), seen_s=round(seen_s, 1), reopened=reopened,
        reasons={why: many for why, many in reasons.items() if many},
    )  # fmt: skip


def _told_of(kind: BrowserKind | None, happened: Iterable[Event], ended_at: datetime) -> list[Span]:
    """When the page told of a kind, or of any at all."""
    spans: list[Span] = []
    since: datetime | None = None
    for event in happened:
        if isinstance(event, PageObserved):
            if since is not None:
                spans.append((since, event.at))
            since = event.at if (kind in event.kinds if kind else event.kinds) else None
    return [*spans, (since, max(ended_at, since))] if since is not None else spans
