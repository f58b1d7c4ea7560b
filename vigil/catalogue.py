"""The kinds of incident that this version of Vigil can point out, and what this process would run to find them."""

from __future__ import annotations

from typing import Protocol

from detectors.kinds import KINDS
from detectors.settings import Settings
from domain.detector import Described, is_sensitive, of_the_page
from domain.incidents import Provenance
from domain.notice_words import pointed_out
from domain.policy import DetectorKind

_PLAIN = Settings(detectors=())  # no policy's thresholds


class Tells(Protocol):
    """Who looks or listens, and says what its incidents rest on."""

    def provenance(self, kind: DetectorKind, settings: Settings) -> Provenance: ...


def catalogue() -> tuple[Described, ...]:
    """Detectors first, then what pages tell, each in the order in which they are written down."""
    detected = tuple(
        Described(
            kind=kind.name, words=pointed_out(kind.name), read_from=kind.source, detector=kind.detector,
            rule_version=kind.version, thresholds=kind.thresholds(_PLAIN), severity=kind.severity,
            sensitive=is_sensitive(kind.name),
        )
        for kind in KINDS.values()
    )  # fmt: skip
    return detected + of_the_page()


def rests_on(looking: Tells, hearing: Tells) -> dict[str, Provenance]:
    """By kind, what an incident of these would rest on where a policy names no threshold."""
    return {
        kind.name: (hearing if kind.source == "sound" else looking).provenance(kind.name, _PLAIN)
        for kind in KINDS.values()
    }
