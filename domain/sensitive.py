"""What reaches furthest into a candidate's life is off until a planner switches each on with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from domain.event import Refused

if TYPE_CHECKING:
    from domain.policy import Policy

Sensitive = Literal["room_scan", "voice", "looking_away", "face_not_visible", "face_geometry"]


def switched_on(policy: Policy) -> tuple[Sensitive, ...]:
    """What of it a policy has."""
    detectors: set[str] = {detector.kind for detector in policy.detectors}
    has = detectors | ({"room_scan"} if policy.room_scan else set())
    return tuple(name for name in get_args(Sensitive) if name in has)


def must_be_reasoned(policy: Policy, field: str) -> None:
    """Raises `Refused` for what is on without a reason; `field` is where the policy names its reasons."""
    for name in switched_on(policy):
        if not policy.reasons.get(name, "").strip():
            rule = f"{name} is off unless a reason is given why this exam needs it"
            raise Refused(rule, field=f"{field}.{name}", kind="invalid")
