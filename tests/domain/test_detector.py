"""The registry of detectors: every kind with its rule, who runs it, its switch, and what people said of it."""

from __future__ import annotations

from typing import get_args

from domain.browser import BrowserKind
from domain.detector import Described, Running, of_the_page, registry, scored
from domain.incidents import Provenance
from domain.precision import Counted, Rule, Tally
from domain.switches import OffEverywhere, Switches
from tests.domain.hall import at

BOOK = Described(
    kind="book", words="a book can be seen", read_from="camera", detector="objects", rule_version="book/2",
    thresholds={"book": 0.4}, severity="info", sensitive=False,
)  # fmt: skip
RUNS = Provenance(
    detector="objects", detector_version="3", weights={"w": "00"}, thresholds={"book": 0.4}, rule_version="book/2"
)
OTHER = Provenance(
    detector="objects", detector_version="3", weights={"w": "11"}, thresholds={"book": 0.4}, rule_version="book/2"
)
NEW = Rule(kind="book", rule_version="book/2", detector_version="3", weights={"w": "00"})
OLD = Rule(kind="book", rule_version="book/1", detector_version="2", weights={"w": "00"})


def test_what_pages_tell_is_all_that_a_policy_can_switch_on_of_it() -> None:
    assert {one.kind for one in of_the_page()} == set(get_args(BrowserKind))
    found = registry(of_the_page(), Switches(), [{}], [])
    assert {(one.state, one.running, one.off) for one in found} == {("in_the_page", (), None)}


def test_who_runs_it_on_which_weights_is_told_by_those_who_do() -> None:
    (none,) = registry([BOOK], Switches(), [{"out_of_view": RUNS}], [])
    assert (none.state, none.running) == ("not_running", ())
    (some,) = registry([BOOK], Switches(), [{"book": RUNS}, {"book": OTHER}, {"book": RUNS}], [])
    assert some.state == "running"
    assert [(one.weights, one.workers) for one in some.running] == [({"w": "00"}, 2), ({"w": "11"}, 1)]
    assert some.running[0] == Running(
        detector_version="3", rule_version="book/2", weights={"w": "00"}, thresholds={"book": 0.4}, workers=2
    )


def test_it_says_since_when_why_and_by_whom_it_is_off() -> None:
    off = OffEverywhere(since=at("10:00"), reason="Desks.", by="kim")
    (one,) = registry([BOOK], Switches(off={"book": off}, last={"book": at("10:00")}), [], [])
    assert one.off == off


def test_each_version_has_its_own_score_over_all_time_and_by_month_the_newest_first() -> None:
    happened = [
        Counted(OLD, "2026-05", Tally(opened=30, confirmed=5, dismissed=20)),
        Counted(NEW, "2026-06", Tally(opened=12, confirmed=9, dismissed=1, unsure=1)),
        Counted(NEW, "2026-07", Tally(opened=4, confirmed=1, dismissed=1)),
        Counted(Rule(kind="voice", rule_version="1", detector_version="1", weights={}), "2026-07", Tally(opened=1)),
    ]
    (one,) = registry([BOOK], Switches(), [], happened)
    assert [version.rule_version for version in one.versions] == ["book/2", "book/1"]
    new = one.versions[0]
    assert [month.month for month in new.months] == ["2026-07", "2026-06"]
    assert (new.score.opened, new.score.judged, new.score.confirmed, new.score.dismissed) == (16, 13, 10, 2)
    assert new.score == scored(Tally(opened=16, confirmed=10, dismissed=2, unsure=1))
    assert new.score.said == "83% of 12 decided were confirmed (95% interval: 55% to 95%)"
    assert new.months[0].score.precision is None
    assert new.months[0].score.said == "too few to say: 2 decided"
