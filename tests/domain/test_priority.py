"""Review priority: an order with everything that it rests on, in versions that stand beside each other."""

from __future__ import annotations

from msgspec.structs import replace

from domain.incidents import Severity
from domain.priority import OWN, WEIGHTS, Prioritise, Prioritised, priority
from domain.record import DECIDER
from domain.verdict import Judged, Standing
from tests.domain.given import given
from tests.domain.hall import at, private
from tests.domain.test_record import SEALED


def one(kind: str = "out_of_view", severity: Severity = "warn", standing: Standing = "unjudged") -> Judged:
    return Judged(incident="i1", kind=kind, severity=severity, standing=standing)


ORDER = Prioritise(inputs=(one(),), muted=(), policy=1, policy_today=2, at=at("11:10"), by="system/react")
FIRST = Prioritised(
    number=1, weights_version="1", weights=dict(WEIGHTS), inputs=(one(),), muted=(), seal=1, policy=1, policy_today=2,
    at=at("11:10"), by="system/react",
)  # fmt: skip
ASKED = replace(ORDER, by="curie", why=private("A colleague looked at it."))


def test_the_graver_comes_first_and_what_is_dismissed_does_not_count() -> None:
    info, warn, high = (priority([one(severity=severity)], ()) for severity in ("info", "warn", "high"))
    assert 0 < info < warn < high
    assert priority([one(standing="dismissed")], ()) == priority([], ()) == 0
    assert priority([one(standing="confirmed")], ()) > priority([one(standing="awaits_second")], ()) > warn
    assert priority([one("several_people")], ()) > warn > priority([one("focus_lost")], ())
    assert priority([one(), one()], ()) == 2 * warn


def test_what_an_accommodation_mutes_does_not_count_until_somebody_has_confirmed_it() -> None:
    assert priority([one()], ["out_of_view"]) == 0
    assert priority([one()], ["several_people"]) == priority([one()], ())
    assert priority([one(standing="confirmed")], ["out_of_view"]) == priority([one(standing="confirmed")], ())


def test_weights_are_said_and_what_has_none_counts_once() -> None:
    assert priority([one("out_of_view", "high", "confirmed")], (), {"high": 5.0}) == 5.0
    assert priority([one("out_of_view", "high")], (), {"high": 5.0, "out_of_view": 0.0}) == 0.0


def test_a_version_holds_all_that_it_rests_on() -> None:
    given(DECIDER, SEALED).when(ORDER).then(FIRST)
    given(DECIDER).when(ORDER).refused("not sealed yet")


def test_what_nobody_asked_for_makes_no_version_where_nothing_has_changed() -> None:
    given(DECIDER, SEALED, FIRST).when(replace(ORDER, at=at("12:00"))).then_nothing()
    more = (one(), replace(one(), incident="i2"))
    given(DECIDER, SEALED, FIRST).when(replace(ORDER, inputs=more)).then(replace(FIRST, number=2, inputs=more))


def test_a_person_makes_another_version_and_says_why() -> None:
    second = replace(FIRST, number=2, by="curie", why=ASKED.why)
    given(DECIDER, SEALED, FIRST).when(ASKED).then(second)
    given(DECIDER, SEALED, FIRST, second).when(ASKED).then_nothing()
    own = replace(ASKED, weights={"high": 20.0})
    changed = replace(second, number=3, weights_version=OWN, weights={"high": 20.0})
    given(DECIDER, SEALED, FIRST, second).when(own).then(changed)
    given(DECIDER, SEALED, FIRST, second, changed).when(own).then_nothing()
