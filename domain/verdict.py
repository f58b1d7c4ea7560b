"""What a session's verdicts come to: of one person, or of two where the policy asks for a second reviewer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from domain.event import Refused
from domain.incidents import Incidents, Severity, Verdict

Standing = Literal["unjudged", "awaits_second", "differs", Verdict]
OPEN: frozenset[Standing] = frozenset({"awaits_second", "differs"})  # somebody has to judge before anybody decides


class Given(Protocol):
    """A verdict, in an event or in a row."""

    @property
    def verdict(self) -> Verdict: ...
    @property
    def by(self) -> str: ...


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """An incident with what was said of it, and by whom: the last of each person counts."""

    incident: str
    kind: str
    severity: Severity
    standing: Standing
    by: tuple[str, ...] = ()


def standing(given: Sequence[Given], *, second: bool) -> Standing:
    """What verdicts in order come to. Of one reviewer: the latest.

    Of two: what one person dismissed and nobody saw otherwise is dismissed; all else needs two. Where they differ, it
    is what most people hold: one thinks again, with a reason, or a third judges.
    """
    if not given:
        return "unjudged"
    if not second:
        return given[-1].verdict
    last = {one.by: one.verdict for one in given}
    held = Counter(last.values()).most_common()
    if len(last) == 1:
        return "dismissed" if held[0][0] == "dismissed" else "awaits_second"
    if len(held) > 1 and held[0][1] == held[1][1]:
        return "differs"
    return held[0][0]


def judged(seen: Incidents, *, second: bool) -> tuple[Judged, ...]:
    """Every incident of a session, in the order of their names."""
    kinds: dict[str, tuple[str, Severity]] = {name: (flag.kind, flag.severity) for name, flag in seen.flags.items()}
    kinds |= {name: ("raised_by_person", severity) for name, severity in seen.raised.items()}
    found = []
    for name, (kind, severity) in sorted(kinds.items()):
        given = seen.verdicts.get(name, ())
        comes_to, by = standing(given, second=second), tuple(sorted({one.by for one in given}))
        found.append(Judged(incident=name, kind=kind, severity=severity, standing=comes_to, by=by))
    return tuple(found)


def must_be_independent(by: str, watched: frozenset[str]) -> None:
    """Raises `Refused` for somebody who watched: of an exam whose policy asks for an independent review."""
    if by in watched:
        raise Refused("this exam is judged and decided by people who did not watch it", field="by")
