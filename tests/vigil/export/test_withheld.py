"""What a person is given of their own record when something of it is withheld: no bytes, no key, and the reason."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from subprocess import run
from sys import executable

import pytest

from domain.release import Withheld
from tests.vigil.export.sitting import SIGNER, World
from tests.vigil.export.spoiling import lines
from vigil.verify import Check

GROUND = "withheld: the rights and freedoms of others (GDPR, article 15(4))"
SCREEN = Withheld(what="screen", ground="15(4)")
STAFF = Withheld(what="staff", ground="15(4)")
OTHERS = Withheld(what="others", ground="15(4)", incidents=("i1",))


@pytest.fixture(scope="module")
async def copy(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy") / "export"
    await world.export(folder, withheld=(SCREEN, STAFF, OTHERS))
    return folder


def absent(folder: Path) -> dict[str, str]:
    return {row["object_key"]: row["absent"] for row in lines(folder, "media/manifest.jsonl") if "absent" in row}


async def test_the_screen_is_withheld_with_its_keys_and_everything_else_is_there(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    await world.export(folder, withheld=(SCREEN,))
    assert not (folder / "media" / "screen").exists()
    assert not (folder / "media" / "screen.webm").exists()
    assert (folder / "media" / "camera.webm").exists()
    gone = absent(folder)
    assert len(gone) == 7, "four segments, one that came late, a still, the finished file"
    assert set(gone.values()) == {GROUND}
    assert {key.split("/")[2].split(".")[1] for key in gone} == {"screen"}
    assert not gone.keys() & {row["object_key"] for row in lines(folder, "keys.jsonl") if "object_key" in row}
    assert "Two faces." in (folder / "report.html").read_text()


def test_of_an_incident_with_others_go_pictures_words_and_what_the_camera_recorded_then(copy: Path, made: Path) -> None:
    page = (copy / "report.html").read_text()
    assert "several people (high), confirmed" in page
    assert "Two faces." not in page
    assert "Please look." not in page
    assert "data:image/jpeg" not in page
    assert not (copy / "media" / "evidence").exists()
    assert not (copy / "media" / "camera.webm").exists()
    kept = {path.name for path in (copy / "media" / "camera").iterdir()}
    whole = {path.name for path in (made / "media" / "camera").iterdir()}
    assert kept == {"0001-000001.webm.sealed", "0001-000004.webm.sealed"}, "what it saw before and later is theirs"
    assert kept < whole
    keys = {(row["stream"], row["field"]) for row in lines(copy, "keys.jsonl") if "stream" in row}
    assert ("t/incidents/s1", "reason") not in keys
    assert ("t/incidents/s1", "note") not in keys
    assert ("t/intervention/s1.v1", "text") in keys, "what they were told is theirs"
    assert "It was my brother." in page, "so is what they said of it in their appeal"
    assert ("t/record/s1", "text") in keys


def test_staff_have_numbers_in_the_report_and_the_events_are_as_they_were(copy: Path, made: Path) -> None:
    page = (copy / "report.html").read_text()
    assert "user/kim" not in page
    assert "user/rev" not in page
    assert "escalated by staff 1" in page
    assert "staff 2" in page
    for name in ("events.jsonl", "proofs.jsonl"):
        assert (copy / name).read_bytes() == (made / name).read_bytes()


def test_what_is_withheld_is_said_in_manifest_report_and_by_the_verifier_and_nothing_fails(copy: Path) -> None:
    page = (copy / "report.html").read_text()
    assert "What is withheld of this copy" in page
    assert page.count(GROUND) >= 3
    own = [executable, str(copy / "verify.py"), str(copy), "--key", SIGNER.fingerprint]
    answer = run(own, check=False, capture_output=True, text=True)
    assert answer.stdout.splitlines()[-1] == "verified"
    for part in (
        f"of this copy, screen is {GROUND}", f"of this copy, staff is {GROUND}",
        f"of this copy, others (i1) is {GROUND}", f"not here: {GROUND}", "private fields not shown",
    ):  # fmt: skip
        assert part in answer.stdout, part


def test_a_file_that_was_withheld_is_found_when_somebody_puts_it_back(copy: Path, made: Path, tmp_path: Path) -> None:
    spoiled = Path(copytree(copy, tmp_path / "spoiled"))
    (spoiled / "media" / "screen.webm").write_bytes((made / "media" / "screen.webm").read_bytes())
    assert Check(spoiled).run().failures == ["media/screen.webm: is not in the manifest"]


async def test_what_is_not_withheld_stays(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    await world.export(folder, withheld=(OTHERS,))
    assert "media/screen.webm" in {row.get("file") for row in lines(folder, "media/manifest.jsonl")}
    assert "user/kim" in (folder / "report.html").read_text()
