"""What is shown of duty, and of who looks after an incident."""

from __future__ import annotations

from domain import duty, hand_over, incidents, triage
from domain.hand_over import Standing
from domain.triage import Triage
from projections.duty import DUTY, HandOver, Rota, Turn
from projections.incidents import INCIDENTS, Tended
from projections.live import LIVE
from tests.domain.hall import at
from tests.projections.hall import BEGUN, Said, about_ada, closed, flagged, judged, row_of
from tests.projections.hall import INCIDENTS as OF_ADA

ANATOMY = "t/duty/anatomy"
LISTED = Standing(incidents=1, help=0, pauses=0, breaks=0, accommodations=0, sha256="ab")
FEWER = Standing(incidents=0, help=0, pauses=0, breaks=0, accommodations=0, sha256="cd")


def on(user: str, clock: str) -> Said:
    return ANATOMY, duty.OnDuty(user=user, at=at(clock), by=user)


def off(user: str, clock: str) -> Said:
    return ANATOMY, duty.OffDuty(user=user, at=at(clock), by=user, why="left")


def offered(name: str, clock: str, to: str = "alan") -> Said:
    return ANATOMY, hand_over.HandOverOffered(
        hand_over=name, user="grace", to=to, at=at(clock), by="grace", standing=LISTED
    )


HANDED = (ANATOMY, hand_over.HandedOver(hand_over="h1", user="grace", to="alan", at=at("10:05"), standing=FEWER))


def rota(*happened: Said) -> Rota:
    return row_of(DUTY, *happened)


def test_each_turn_has_its_times_and_why_it_ended() -> None:
    row = rota(on("grace", "9:00"), offered("h1", "10:00"), HANDED, off("alan", "11:00"), on("alan", "11:30"))
    assert row.turns == (
        Turn(user="grace", since=at("9:00"), until=at("10:05"), ended="handed_over"),
        Turn(user="alan", since=at("10:05"), until=at("11:00"), ended="left"),
        Turn(user="alan", since=at("11:30")),
    )
    assert row.now.on == {"alan": at("11:30")}


def test_since_when_nobody_is_on_duty() -> None:
    assert rota(on("grace", "9:00")).nobody_since is None
    assert rota(on("grace", "9:00"), off("grace", "9:30")).nobody_since == at("9:30")
    assert rota(on("grace", "9:00"), off("grace", "9:30"), on("alan", "9:40")).nobody_since is None
    assert rota(on("grace", "9:00"), on("alan", "9:10"), off("grace", "9:30")).nobody_since is None


def test_a_hand_over_keeps_what_it_listed_when_it_was_accepted() -> None:
    first = HandOver(hand_over="h1", user="grace", to="alan", at=at("10:00"), standing=LISTED)
    assert rota(on("grace", "9:00"), offered("h1", "10:00")).hand_overs == (first,)
    done = rota(on("grace", "9:00"), offered("h1", "10:00"), HANDED).hand_overs
    assert [(one.state, one.standing, one.ended_at) for one in done] == [("accepted", FEWER, at("10:05"))]


def test_an_offer_ends_with_another_one_and_when_somebody_leaves() -> None:
    two = rota(on("grace", "9:00"), offered("h1", "10:00"), offered("h2", "10:01", "mary")).hand_overs
    assert [(one.hand_over, one.state) for one in two] == [("h1", "withdrawn"), ("h2", "offered")]
    left = rota(on("grace", "9:00"), offered("h1", "10:00"), off("grace", "10:02")).hand_overs
    assert [(one.state, one.ended_at) for one in left] == [("withdrawn", at("10:02"))]


TAKEN = (OF_ADA, triage.Taken(incident="i1", at=at("9:11"), by="grace"))
ASIDE = (OF_ADA, triage.SetAside(incident="i1", at=at("9:12"), by="grace", note=about_ada("a poster")))
CALLED = (OF_ADA, triage.Escalated(incident="i1", at=at("9:13"), by="grace", note=about_ada("will not answer")))
GRAVER = (OF_ADA, incidents.EvidenceAdded(incident="i1", severity="high"))


def test_the_wall_shows_who_has_an_incident_also_once_it_has_ended() -> None:
    taken = Triage(taken_by="grace", taken_at=at("9:11"))
    assert row_of(LIVE, *BEGUN, flagged(), TAKEN).triage == {"i1": taken}
    after = row_of(LIVE, *BEGUN, flagged(), TAKEN, closed())
    assert (after.open, after.triage) == ({}, {"i1": taken})
    assert row_of(LIVE, *BEGUN, flagged(), TAKEN, judged("dismissed")).triage == {}


def test_what_is_set_aside_does_not_count_as_risk_until_it_becomes_graver() -> None:
    aside = row_of(LIVE, *BEGUN, flagged("i1", "warn"), ASIDE)
    assert (aside.risk, list(aside.open)) == ("none", ["i1"])
    graver = row_of(LIVE, *BEGUN, flagged("i1", "warn"), ASIDE, GRAVER)
    assert (graver.risk, graver.triage) == ("high", {})
    other = row_of(LIVE, *BEGUN, flagged("i1", "high"), flagged("i2", "warn"), ASIDE)
    assert other.risk == "warn"


def test_an_incident_tells_who_looked_after_it_and_what_they_noted() -> None:
    row = row_of(INCIDENTS, flagged(), TAKEN, CALLED)
    assert (row.taken_by, row.escalated_by, row.escalated_at) == (None, "grace", at("9:13"))
    assert row.tended == (
        Tended(what="taken", by="grace", at=at("9:11")),
        Tended(what="escalated", by="grace", at=at("9:13"), note="will not answer"),
    )
    aside = row_of(INCIDENTS, flagged("i1", "warn"), ASIDE)
    assert (aside.set_aside_by, aside.tended[0].note) == ("grace", "a poster")
    assert row_of(INCIDENTS, flagged("i1", "warn"), ASIDE, GRAVER).set_aside_by is None
    gone = (OF_ADA, triage.Released(incident="i1", at=at("9:14"), by="system/react", why="disconnected"))
    let_go = row_of(INCIDENTS, flagged(), TAKEN, gone)
    assert (let_go.taken_by, let_go.tended[1].why) == (None, "disconnected")
    assert row_of(INCIDENTS, flagged(), CALLED, judged("confirmed")).escalated_by is None
