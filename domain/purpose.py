"""What a session's data are for, and on which legal basis each purpose rests.

Consent can be the basis only of what can be left out of a session: who cannot say no without losing the exam does not
agree freely (GDPR art. 7(4)). Measuring a face to recognise or follow it rests on consent and nothing else (art. 9(2)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from domain.event import Refused

if TYPE_CHECKING:
    from domain.policy import LegalBasis, Policy

Purpose = Literal["live_view", "recording", "ai_flags", "identity", "face_geometry"]
OPTIONAL: frozenset[Purpose] = frozenset({"ai_flags", "face_geometry"})
GEOMETRY: frozenset[str] = frozenset({"looking_away", "face_geometry"})  # detectors that measure a face
WHAT: dict[Purpose, str] = {
    "live_view": "to let invigilators see you live",
    "recording": "to record you",
    "ai_flags": "to let a program point things out",
    "identity": "to see that it is you",
    "face_geometry": "to measure your face",
}


def does(policy: Policy) -> tuple[Purpose, ...]:
    """The purposes that data of a session under this policy are used for."""
    kinds: set[str] = {one.kind for one in policy.detectors}
    on: dict[Purpose, bool] = {
        "live_view": bool(policy.tracks), "recording": bool(policy.tracks), "ai_flags": bool(kinds),
        "identity": policy.identity, "face_geometry": bool(kinds & GEOMETRY),
    }  # fmt: skip
    return tuple(purpose for purpose in get_args(Purpose) if on[purpose])


def basis_of(policy: Policy, purpose: Purpose) -> LegalBasis:
    """What is named for it; else that of the whole policy, but for what only consent allows."""
    return policy.bases.get(purpose, _OWN.get(purpose, policy.legal_basis))


def asked(policy: Policy) -> tuple[Purpose, ...]:
    """What a candidate is asked to agree to, apart from the notice."""
    return tuple(one for one in does(policy) if one in OPTIONAL and policy.bases.get(one, _OWN.get(one)) == "consent")


_OWN: dict[Purpose, LegalBasis] = {"face_geometry": "consent"}


def must_rest(policy: Policy, field: str) -> None:
    """Raises `Refused` for a basis that cannot carry its purpose; `field` is where the policy names its bases."""
    for purpose, basis in policy.bases.items():
        if basis == "consent" and purpose not in OPTIONAL:
            rule = f"{purpose.replace('_', ' ')} cannot be left out of a session, so consent to it would not be free"
            raise Refused(rule, field=f"{field}.{purpose}", kind="invalid")
        if basis != "consent" and purpose == "face_geometry":
            raise Refused("measuring a face rests on consent alone", field=f"{field}.{purpose}", kind="invalid")
