"""What the report says of accommodations and of detectors that were muted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.accommodation import Accommodated, Accommodation
from domain.event import Event, Private
from domain.muting import DetectorMuted
from domain.recorded import Envelope, Recorded
from vigil.report_allowed import allowed, muted

NINE = datetime(2026, 6, 1, 9, tzinfo=UTC)
ENVELOPE = Envelope(actor="user/planner", command="c", schema=1)


def told(*bodies: Event) -> list[Recorded]:
    return [Recorded(n, "t/session/s1", n, NINE, ENVELOPE, body) for n, body in enumerate(bodies, 1)]


def at(minutes: int) -> datetime:
    return NINE + timedelta(minutes=minutes)


GRANTED = Accommodated(
    at=at(0),
    accommodation=Accommodation(extra_time_percent=25, people=("interpreter", "reader"), identity_route="in_person"),
    objects=Private("ada", "a cushion\n<b>water</b>", session="s1", key_class="profile"),
)
WITHDRAWN = Accommodated(at=at(30), accommodation=Accommodation())
OFF = DetectorMuted(at=at(10), kind="out_of_view")


def test_it_says_what_was_allowed_from_when_and_escapes_it() -> None:
    page = allowed(told(GRANTED, OFF, WITHDRAWN))
    for part in (
        "2026-06-01 09:00:00", "25 % more time", "an interpreter in view", "a reader in view",
        "on the desk: a cushion, &lt;b&gt;water&lt;/b&gt;", "several people is muted",
        "identified another way: in person", "nothing any more",
    ):  # fmt: skip
        assert part in page, part


def test_it_says_from_when_to_when_a_detector_was_muted_and_why() -> None:
    page = muted(told(GRANTED, OFF, WITHDRAWN))
    assert (
        "<td>several people</td><td>2026-06-01 09:00:00</td><td>2026-06-01 09:30:00</td><td>accommodation</td>" in page
    )
    assert "<td>out of view</td><td>2026-06-01 09:10:00</td><td>the end</td><td>switched off for everyone</td>" in page


def test_it_says_nothing_where_there_was_nothing() -> None:
    assert allowed(told()) == muted(told()) == ""
    erased = Accommodated(at=at(0), accommodation=Accommodation(), objects=Private("ada", None, key_class="profile"))
    assert "(erased)" in allowed(told(erased))
