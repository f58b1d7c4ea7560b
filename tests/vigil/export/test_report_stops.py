"""Of the report: pauses, locks, breaks and what invigilators did, in plain words."""

from __future__ import annotations

from domain import intervention, session, stops
from domain.event import Event
from domain.recorded import Envelope, Recorded
from tests.domain.hall import at, private
from vigil.report_stops import interventions, stopped


def events(stream: str, *happened: Event) -> list[Recorded]:
    envelope = Envelope(actor="someone", command="c")
    return [Recorded(n, stream, n, at("9:00"), envelope, body) for n, body in enumerate(happened, 1)]


def test_a_stop_is_told_with_how_long_the_clock_stood_and_how_much_too_long_it_was() -> None:
    page = stopped(
        events(
            "t/session/s1",
            session.Paused(at=at("10:00"), intervention="i1"),
            stops.Locked(at=at("10:01"), intervention="i2"),
            stops.Unlocked(at=at("10:02"), intervention="i3", stopped_s=0.0, to="paused"),
            session.Resumed(at=at("10:05"), intervention="i4", stopped_s=300.0),
            stops.BreakRequested(at=at("10:10"), kind="rest"),
            stops.BreakStarted(at=at("10:11"), kind="rest", until=at("10:21"), intervention="i5"),
            stops.BreakEnded(at=at("10:25"), why="back", stopped_s=600.0, over_s=240.0),
            stops.BreakStarted(at=at("10:30"), kind="rest", until=at("10:35")),
            stops.BreakRequestClosed(at=at("10:40"), by="kim", why="turned_down"),
        )
    )
    for part in (
        "unlocked, and paused still", "the clock stood for 300 s", "asked for a rest break", "allowed for 10 min",
        "the break ended (back)", "the clock stood for 600 s; 240 s longer than allowed",
        "rest break, granted beforehand", "the request for a break was turned down", "nothing is observed",
    ):  # fmt: skip
        assert part in page, (part, page)


def test_what_was_asked_for_is_told_with_its_reason_its_result_and_where_it_took_effect() -> None:
    page = interventions(
        events(
            "t/intervention/s1.i1",
            intervention.Requested(
                session="s1", kind="identity_check", reason_code="doubt", text=private("<b>Please</b>"), minutes=None,
                by="kim", at=at("10:00"),
            ),
            intervention.Acknowledged(at=at("10:01")),
            intervention.Marked(at=at("10:02"), by="lee", result="not_passed", note=private(None)),
            intervention.Requested(
                session="s1", kind="break", reason_code="our_code", text=None, minutes=5.0, by="kim", at=at("10:03"),
                break_kind="comfort",
            ),
            intervention.Applied(at=at("10:04"), where="platform"),
        )
    )  # fmt: skip
    for part in (
        "identity check (it is not clear who is sitting the exam) by kim: &lt;b&gt;Please&lt;/b&gt;",
        "not passed, says lee: (erased)", "never a verdict", "comfort break (our code, 5 min) by kim",
        "applied on the platform",
    ):  # fmt: skip
        assert part in page, (part, page)
