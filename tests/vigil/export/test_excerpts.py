"""Of the schedule an export holds what is about everybody and about this candidate, and nothing about any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from domain import enrolment, granting, muting, schedule, session
from domain.accommodation import Accommodated, Accommodation
from domain.event import Event, Private
from domain.policy import Policy, Window
from tests.vigil.export.conftest import a_world
from tests.vigil.export.sitting import at
from tests.vigil.export.spoiling import failures, lines

MORE = Accommodation(extra_time_minutes=15)
WINDOW = Window(opens_at=at(-600), last_entry_at=at(600), closes_at=at(7200), time_zone="Europe/Vienna")


def enrolled(subject: str, name: str, objects: str) -> tuple[Event, Event]:
    def about(text: str) -> Private:
        return Private(subject, text, session=name, key_class="profile")

    return (
        enrolment.CandidateEnrolled(subject=subject, session=name, name=about(name.upper()), number=about(name)),
        granting.AccommodationGranted(session=name, accommodation=MORE, objects=about(objects)),
    )


async def test_an_accommodation_is_in_the_export_of_its_candidate_only(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    plan = "t/schedule/x1"
    created = schedule.Created(title="Anatomy II", window=WINDOW, duration_s=3600, policy=Policy())
    off = muting.DetectorSwitchedOff(at=at(100), kind="out_of_view", reason="A dark room.")
    mine, others = enrolled("c2ada", "s1", "a cushion"), enrolled("c2ola", "s2", "an insulin pump")
    cushion = Private("c2ada", "a cushion", session="s1", key_class="profile")
    async with a_world(new_database(), tmp_path / "objects") as world:
        await world.append(
            *((plan, event) for event in (created, *mine, *others, off)),
            ("t/session/s1", session.Opened(schedule="x1", subject="c2ada")),
            ("t/session/s1", Accommodated(at=at(-60), accommodation=MORE, objects=cushion)),
            ("t/session/s1", muting.DetectorMuted(at=at(100), kind="out_of_view")),
        )
        await world.notarise()
        await world.export(tmp_path / "export", session="s1")
    assert failures(tmp_path / "export") == ""
    found = [row["tag"] for row in lines(tmp_path / "export", "events.jsonl")]
    assert found.count("schedule.accommodation_granted") == found.count("schedule.candidate_enrolled") == 1
    assert "schedule.detector_switched_off" in found
    page = (tmp_path / "export" / "report.html").read_text()
    assert "on the desk: a cushion" in page
    assert "switched off for everyone" in page
    whole = b"".join(path.read_bytes() for path in (tmp_path / "export").rglob("*") if path.is_file())
    assert b"insulin" not in whole
