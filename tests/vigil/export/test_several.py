"""Exports of several sessions in one folder: a page that lists them, and one check over all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vigil.export.sitting import OTHER, SIGNER, World
from vigil.export_several import put_together
from vigil.verify import main

WHY = "its record is not sealed yet"


@pytest.fixture(scope="module")
async def folder(world: World, made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several") / "exports"
    shutil.copytree(made, folder / "s1")
    await world.export(folder / "s2", session="s2")
    put_together(folder, "t", ("s1", "s2"), {"s9": WHY}, SIGNER)
    return folder


def checked(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, list[str]]:
    code = main([str(folder), *more])
    return code, capsys.readouterr().out.splitlines()


def test_one_check_over_all_tells_of_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = checked(folder, capsys, "--key", SIGNER.fingerprint)
    assert (code, lines[-1]) == (3, "consistent, not all sealed"), "one of them has no seal yet"
    assert [line.split(":")[0] for line in lines if line.startswith("session ")] == [
        "session s1 of t",
        "session s2 of t",
    ]
    assert f"not in here: session s9: {WHY}" in lines
    assert checked(folder / "s1", capsys, "--key", SIGNER.fingerprint)[1][-1] == "verified", "each can be checked alone"


def test_all_of_them_sealed_is_verified(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(made, tmp_path / "all" / "s1")
    put_together(tmp_path / "all", "t", ("s1",), {}, SIGNER)
    assert checked(tmp_path / "all", capsys, "--key", SIGNER.fingerprint)[1][-1] == "verified"
    assert checked(tmp_path / "all", capsys)[1][-1] == "consistent, signer unknown"


def test_the_page_lists_each_session_with_whose_it_is_and_what_is_left_out(folder: Path) -> None:
    page = (folder / "index.html").read_text()
    for part in (
        "Records of 2 sessions", "Ola Nordmann", "4711", "Anatomy II", "seal 2 (complete)", "no seal", WHY,
        'href="s1/report.html"', 'href="s2/report.pdf"', SIGNER.fingerprint,
    ):  # fmt: skip
        assert part in page, part


def test_it_is_the_same_bytes_again(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    for session in ("s1", "s2"):
        shutil.copytree(folder / session, again / session)
    put_together(again, "t", ("s1", "s2"), {"s9": WHY}, SIGNER)
    for name in ("index.html", "manifest.json", "manifest.sig", "verify.py"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def _take_one(folder: Path) -> None:
    shutil.rmtree(folder / "s2")


def _take_one_and_its_line(folder: Path) -> None:
    _take_one(folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    del manifest["sessions"]["s2"]
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _swap(folder: Path) -> None:
    (folder / "s1").rename(folder / "s3")
    (folder / "s2").rename(folder / "s1")
    (folder / "s3").rename(folder / "s2")


def _add(folder: Path) -> None:
    shutil.copytree(folder / "s1", folder / "s3")


def _another_page(folder: Path) -> None:
    page = folder / "index.html"
    page.write_text(page.read_text().replace("Ola Nordmann", "Kari Nordmann"))


def _change_below(folder: Path) -> None:
    events = folder / "s1" / "events.jsonl"
    events.write_bytes(events.read_bytes().replace(b'"version":1,', b'"version":2,', 1))


def _sign_with_another_key(folder: Path) -> None:
    put_together(folder, "t", ("s1", "s2"), {}, OTHER)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_take_one, "s2/manifest.json: is missing"),
        (_take_one_and_its_line, "manifest.json: its signature does not match"),
        (_swap, "s1/manifest.json: is not the file that was signed"),
        (_add, "s3: is not in the manifest"),
        (_another_page, "index.html: is not the file that was signed"),
        (_change_below, "events.jsonl: is not the file that was signed"),
        (_sign_with_another_key, f"manifest.json: was signed by {OTHER.fingerprint}"),
    ],
)
def test_what_was_changed_is_found(
    spoil: Callable[[Path], None], said: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoiled = Path(shutil.copytree(folder, tmp_path / "spoiled"))
    spoil(spoiled)
    code, lines = checked(spoiled, capsys, "--key", SIGNER.fingerprint)
    assert code == 1
    assert lines[-1].startswith("FAILED")
    assert any(line.startswith(f"WRONG {said}") for line in lines), lines
