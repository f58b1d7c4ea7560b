"""The benchmarks' own book-keeping: goals, the file's form, and groups that are missing or fail."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from bench import __main__ as bench
from bench.__main__ import Row

SEALING = {"name": "sealing", "value": 7, "unit": "events/s", "baseline": 2.0, "ratio": 3.5, "goal": ">=3", "note": ""}


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where results go; `notary` measures something, and `append` breaks."""

    def broken() -> list[dict[str, object]]:
        raise OSError("no disk")

    for group, run in (("append", broken), ("notary", lambda: [SEALING])):
        module = ModuleType(f"bench.{group}")
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"bench.{group}", module)
    monkeypatch.setattr(bench, "GROUPS", ("append", "notary", "nowhere"))
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results.json")
    return tmp_path / "results.json"


@pytest.mark.parametrize(
    ("ratio", "goal", "verdict"),
    [
        (3.0, ">=3", "met"),
        (2.9, ">=3", "missed"),
        (1.2, "<=1.15", "missed"),
        (1.15, "<=1.15", "met"),
        (1.0, None, ""),
    ],
)
def test_a_goal_is_for_the_ratio(ratio: float, goal: str | None, verdict: str) -> None:
    assert Row(name="x", value=9, baseline=9, ratio=ratio, goal=goal).verdict == verdict


def test_a_goal_is_missed_by_what_was_not_run() -> None:
    assert Row(name="x", goal=">=1", note="there is no such server here").verdict == "missed"


def test_the_file_is_a_list_of_rows_each_with_a_baseline_or_the_reason_why_not(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(None) == 1
    rows = json.loads(results.read_bytes())
    assert isinstance(rows, list)
    for row in rows:
        assert list(row) == ["name", "value", "unit", "baseline", "ratio", "goal", "note"]
        assert row["goal"] is None or re.fullmatch(r"[<>]=[0-9.]+", row["goal"])
        numbers = [row["value"], row["baseline"], row["ratio"]]
        assert all(isinstance(n, int | float) for n in numbers) or (numbers == [None] * 3 and row["note"])
    broken, sealing, nowhere = rows
    assert sealing == SEALING
    assert broken["note"] == "failed: OSError: no disk"
    assert nowhere["note"] == "not there"
    shown = capsys.readouterr().out
    assert "Python" in shown
    for part in ("baseline", "sealing", "7 events/s", "3.5", ">=3", "met", "no disk"):
        assert part in shown


def test_the_file_holds_this_run_alone(results: Path) -> None:
    assert bench.main("append") == 1
    assert bench.main("notary") == 0
    assert msgspec.json.decode(results.read_bytes(), type=list[Row]) == [msgspec.convert(SEALING, Row)]
    assert bench.main("nothing") == 2


def test_groups_that_belong_together_are_run_by_one_name(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, groups in bench.SETS.items():
        assert set(groups) <= {path.stem for path in Path(bench.__file__).parent.glob("*.py")}, name
    monkeypatch.setattr(bench, "SETS", {"record": ("notary", "notary")})
    assert bench.main("record") == 0
    assert msgspec.json.decode(results.read_bytes(), type=list[Row]) == [msgspec.convert(SEALING, Row)] * 2


@pytest.mark.parametrize("change", [{"baseline": None, "ratio": None}, {"ratio": None}, {"goal": "report"}])
def test_a_number_without_a_baseline_or_with_another_kind_of_goal_is_a_failed_group(
    results: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    monkeypatch.setattr(sys.modules["bench.notary"], "run", lambda: [SEALING | change])
    (row,), failed = bench.measure("notary")
    assert failed
    assert row.value is None
    assert row.note.startswith("failed: ValidationError")
