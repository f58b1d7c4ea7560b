"""What a hand-over lists: all that is going on in the sessions of one person, and nothing else."""

from __future__ import annotations

from domain.accommodation import Accommodation
from domain.duty import Duty
from domain.phase import Phase
from domain.stops import Break
from domain.triage import Triage
from projections.allowed import Allowance
from projections.clock import Clock
from projections.live_row import Help, Live, OpenIncident
from projections.standing import going_on, in_numbers
from tests.domain.hall import at

BOTH = Duty(on={"grace": at("9:00"), "alan": at("9:00")}, shares={"grace": ("s1", "s2")})
FLAG = OpenIncident(kind="several_people", severity="warn", started_at=at("9:10"), picture=None)
GRACE = Triage(taken_by="grace", taken_at=at("9:11"))
ASIDE = Triage(set_aside_by="grace", set_aside_at=at("9:12"))


def row(session: str, phase: Phase = "in_progress", **given: object) -> Live:
    return Live(session=session, schedule="anatomy", phase=phase, **given)  # type: ignore[arg-type]


def test_sessions_of_a_person_are_those_they_answer_for_until_they_are_over() -> None:
    rows = [row("s2"), row("s1"), row("s3"), row("s4", withdrawn=True)]
    assert going_on("grace", BOTH, rows).sessions == ("s1", "s2")
    assert going_on("alan", BOTH, rows).sessions == ("s3",)
    assert going_on("grace", BOTH, [row("s1", "submitted")]).sessions == ()
    assert going_on("mary", BOTH, rows).sessions == ()


def test_incidents_are_listed_unless_they_are_set_aside_and_what_was_taken_also_elsewhere() -> None:
    rows = [
        row("s1", open={"i1": FLAG, "i2": FLAG}, triage={"i2": ASIDE}),
        row("s2", "submitted", triage={"i3": Triage(escalated_by="grace", escalated_at=at("9:20"))}),
        row("s3", open={"i4": FLAG, "i5": FLAG}, triage={"i4": GRACE}),
    ]
    assert [one.incident for one in going_on("grace", BOTH, rows).incidents] == ["i1", "i3", "i4"]
    assert [one.incident for one in going_on("alan", BOTH, rows).incidents] == ["i4", "i5"]
    ended = going_on("grace", BOTH, rows).incidents[1]
    assert (ended.kind, ended.escalated_by) == (None, "grace")


def test_help_pauses_breaks_and_accommodations_are_listed() -> None:
    asked = Help(help="h1", topic="question", at=at("9:30"), text="May I drink?")
    rest = Break(kind="rest", since=at("9:40"), until=at("9:50"))
    more = Allowance(accommodation=Accommodation(extra_time_minutes=20))
    rows = [
        row("s1", "paused", clock=Clock(stopped_since=at("9:35")), help=asked),
        row("s2", "on_break", clock=Clock(stopped_since=at("9:40"), on_break=rest), allowed=more),
        row("s3", "locked", clock=Clock(stopped_since=at("9:36")), allowed=more),
    ]
    listed = going_on("grace", BOTH, rows)
    assert [(one.session, one.help, one.topic) for one in listed.help] == [("s1", "h1", "question")]
    assert [(one.session, one.phase, one.since) for one in listed.pauses] == [("s1", "paused", at("9:35"))]
    assert [(one.session, one.until) for one in listed.breaks] == [("s2", at("9:50"))]
    assert [one.session for one in listed.accommodations] == ["s2"]
    assert [one.phase for one in going_on("alan", BOTH, rows).pauses] == ["locked"]


def test_the_numbers_of_a_list_stand_for_that_list_alone() -> None:
    rows = [row("s1", "paused", open={"i1": FLAG})]
    one, same = in_numbers(going_on("grace", BOTH, rows)), in_numbers(going_on("grace", BOTH, list(rows)))
    other = in_numbers(going_on("grace", BOTH, [row("s2", "paused", open={"i1": FLAG})]))
    assert one == same
    assert (one.incidents, one.pauses, one.breaks) == (other.incidents, other.pauses, 0) == (1, 1, 0)
    assert one.sha256 != other.sha256
