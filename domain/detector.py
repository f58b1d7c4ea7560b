"""The registry of detectors: what each looks for, by which rule, whether it is on, and how often people confirm it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

import msgspec

from domain.browser_rules import RULES, VERSION
from domain.incidents import Provenance, Severity
from domain.notice_words import pointed_out
from domain.policy import IncidentKind
from domain.precision import Counted, Precision, Rule, Tally, precision, together
from domain.sensitive import Sensitive
from domain.switches import OffEverywhere, Switches

ReadFrom = Literal["camera", "sound", "page"]


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A kind as this version of Vigil has it. `thresholds` are those that hold where a policy names none.

    `words` are what candidates are told. `severity` is how grave it is when it opens. What is `sensitive` is off until
    a planner says why an exam needs it.
    """

    kind: IncidentKind
    words: str
    read_from: ReadFrom
    detector: str
    rule_version: str
    thresholds: dict[str, float]
    severity: Severity
    sensitive: bool


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What so many detector workers say that they run now: weights by name, with the SHA-256 of each file."""

    detector_version: str
    rule_version: str
    weights: dict[str, str]
    thresholds: dict[str, float]
    workers: int


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What people said of incidents. `precision` is None, and `said` in words, where too few are decided to tell."""

    opened: int
    judged: int
    confirmed: int
    dismissed: int
    unsure: int
    precision: Precision | None
    said: str


class OfMonth(msgspec.Struct, frozen=True, kw_only=True):
    month: str
    score: Score


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the rule on the same weights, over all time and by month, the newest first."""

    rule_version: str
    detector_version: str
    weights: dict[str, str]
    score: Score
    months: tuple[OfMonth, ...]


class Registered(Described, frozen=True, kw_only=True):
    """`off` is the institution's own switch. Nothing of `running` is known of what the candidates' pages tell."""

    off: OffEverywhere | None
    state: Literal["running", "not_running", "in_the_page"]
    running: tuple[Running, ...]
    versions: tuple[Version, ...]


def is_sensitive(kind: IncidentKind) -> bool:
    return kind in get_args(Sensitive)


def of_the_page() -> tuple[Described, ...]:
    """What the candidates' pages tell, by rules of the domain's own."""
    return tuple(
        Described(
            kind=rule.kind, words=pointed_out(rule.kind), read_from="page", detector=f"browser/{VERSION}",
            rule_version=rule.version, thresholds={"after_s": rule.after_s}, severity=rule.severity,
            sensitive=is_sensitive(rule.kind),
        )
        for rule in RULES.values()
    )  # fmt: skip


def registry(
    described: Sequence[Described], switches: Switches, alive: Sequence[Mapping[str, Provenance]],
    happened: Sequence[Counted],
) -> tuple[Registered, ...]:  # fmt: skip
    """`alive` is what each worker runs by kind, `happened` what was opened and judged."""
    found = []
    for one in described:
        running = _running(told[one.kind] for told in alive if one.kind in told)
        found.append(
            Registered(
                **msgspec.structs.asdict(one), off=switches.off.get(one.kind), running=running,
                state="in_the_page" if one.read_from == "page" else "running" if running else "not_running",
                versions=_versions([entry for entry in happened if entry.rule.kind == one.kind]),
            )
        )  # fmt: skip
    return tuple(found)


def scored(tally: Tally) -> Score:
    share = precision(tally)
    said = f"too few to say: {tally.decided} decided"
    if share is not None:
        said = (
            f"{share.share:.0%} of {tally.decided} decided were confirmed"
            f" (95% interval: {share.low:.0%} to {share.high:.0%})"
        )
    return Score(
        opened=tally.opened, judged=tally.judged, confirmed=tally.confirmed, dismissed=tally.dismissed,
        unsure=tally.unsure, precision=share, said=said,
    )  # fmt: skip


def _running(told: Iterable[Provenance]) -> tuple[Running, ...]:
    found: dict[bytes, Running] = {}
    for one in told:
        here = Running(
            detector_version=one.detector_version, rule_version=one.rule_version, weights=one.weights,
            thresholds=one.thresholds, workers=1,
        )  # fmt: skip
        key = msgspec.json.encode(here, order="deterministic")
        found[key] = msgspec.structs.replace(here, workers=found[key].workers + 1 if key in found else 1)
    return tuple(found[key] for key in sorted(found))


def _versions(happened: Iterable[Counted]) -> tuple[Version, ...]:
    rules: dict[bytes, list[Counted]] = {}
    for one in happened:
        rules.setdefault(msgspec.json.encode(one.rule, order="deterministic"), []).append(one)
    found = [_version(every[0].rule, every) for every in rules.values()]
    return tuple(sorted(found, key=lambda one: (one.months[0].month, one.rule_version), reverse=True))


def _version(rule: Rule, every: Sequence[Counted]) -> Version:
    months = sorted(every, key=lambda one: one.month, reverse=True)
    return Version(
        rule_version=rule.rule_version, detector_version=rule.detector_version, weights=rule.weights,
        score=scored(together(one.tally for one in every)),
        months=tuple(OfMonth(month=one.month, score=scored(one.tally)) for one in months),
    )  # fmt: skip
