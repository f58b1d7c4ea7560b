"""The benchmarks' own book-keeping: goals, and groups that are missing or fail."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from bench import __main__ as bench
from bench.__main__ import Row


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row(name="x", value=9, ratio=3.0, goal=">=3"), "met"),
        (Row(name="x", value=9, ratio=2.9, goal=">=3"), "missed"),
        (Row(name="x", value=9, ratio=1.2, goal="<=1.15"), "missed"),
        (Row(name="x", value=20_000, goal=">=20000"), "met"),
        (Row(name="x", goal=">=1"), "missed"),
        (Row(name="x", value=9, ratio=1.0, goal="report"), ""),
        (Row(name="x", value=9), ""),
    ],
)
def test_a_goal_is_for_the_ratio_or_for_the_value_where_there_is_none(row: Row, verdict: str) -> None:
    assert row.verdict == verdict


def test_a_group_that_fails_is_a_row_with_the_reason_and_the_others_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> list[dict[str, object]]:
        raise OSError("no disk")

    for group, run in (("append", broken), ("notary", lambda: [{"name": "sealing", "value": 7, "unit": "us"}])):
        module = ModuleType(f"bench.{group}")
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"bench.{group}", module)
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results.json")
    assert bench.main("notary") == 0
    assert bench.main("append") == 1
    assert bench.main("nothing") == 2
    found = msgspec.json.decode((tmp_path / "results.json").read_bytes(), type=list[Row])
    sealing = Row(name="sealing", value=7, unit="us", baseline=1, ratio=7)  # a count, held against one
    assert found == [sealing, Row(name="append", note="failed: OSError: no disk")]
    assert "Python" in capsys.readouterr().out


def test_a_group_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench.measure("nowhere") == ([Row(name="nowhere", note="not there")], False)
