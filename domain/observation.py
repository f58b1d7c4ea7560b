"""Whether a kind of incident is observed in a session: the one place that says so."""

from __future__ import annotations

from datetime import datetime

from domain.muting import listens
from domain.policy import IncidentKind
from domain.session import Session


def observed(state: Session, at: datetime | None = None) -> frozenset[IncidentKind]:
    """The kinds that are looked for under the policy that the session started with, as far as that can be done.

    Without those that are muted now, or were by that time.
    When that is, the clock says: nothing is observed while it stands.
    """
    policy = state.policy
    cannot = policy.unobservable(state.opens_in)
    detectors: frozenset[IncidentKind] = frozenset(one.kind for one in policy.detectors)
    kinds = detectors | {one.kind for one in policy.browser if one.kind not in cannot}
    return frozenset(kind for kind in kinds if listens(state, kind, at))
