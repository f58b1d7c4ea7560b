"""`python -m bench [ONLY]`: runs every group of benchmarks, one, or a set; prints a table, writes `bench/results.json`.

The file is a list of rows and holds those of this run alone, so that all of them come from the same machine.
"""

from __future__ import annotations

import os
import platform
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Annotated

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn
from rich.table import Table

GROUPS = (
    "append", "projections", "rebuilding", "recording", "capacity", "watching", "detection", "notary", "proving",
    "exporting", "replaying", "submitting", "day", "pages",
)  # fmt: skip
SETS = {"record": ("notary", "proving", "exporting", "replaying", "submitting", "rebuilding")}
RESULTS = Path(__file__).with_name("results.json")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One number beside its baseline, measured in the same run. The goal is for the ratio, as in `>=3` or `<=1.15`.

    A row without a ratio was not run, and `note` says why.
    """

    name: str
    value: float | None = None
    unit: str = ""
    baseline: float | None = None
    ratio: float | None = None
    goal: Annotated[str, msgspec.Meta(pattern=r"^[<>]=\d+(\.\d+)?$")] | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if len({self.value is None, self.baseline is None, self.ratio is None}) > 1 or not (self.ratio or self.note):
            raise ValueError(f"{self.name}: expected value, baseline and ratio, or a note why there is none of them")

    @property
    def verdict(self) -> str:
        """Whether the goal is met; empty where none is set."""
        if self.goal is None:
            return ""
        if self.ratio is None:
            return "missed"
        limit = float(self.goal[2:])
        return "met" if (self.ratio >= limit if self.goal[0] == ">" else self.ratio <= limit) else "missed"


def main(only: str | None) -> int:
    """The exit code: 1 when a benchmark failed, 2 when there is no such group."""
    if only not in (None, *GROUPS, *SETS):
        print(f"no such benchmark: {only} (there are {', '.join((*GROUPS, *SETS))})", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(f"Measured on {machine()}.")
    rows, failed = [], False
    groups = GROUPS if only is None else SETS.get(only, (only,))
    shown = (SpinnerColumn(), "measuring {task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*shown, console=console, transient=True) as bar:
        task = bar.add_task("", total=len(groups))
        for group in groups:
            bar.update(task, description=group)
            found, broke = measure(group)
            rows += found
            failed |= broke
            bar.advance(task)
    console.print(table(rows))
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
    return int(failed)


def measure(group: str) -> tuple[list[Row], bool]:
    """A group's rows, and whether it failed. One that is not there or fails is a row with the reason."""
    try:
        return msgspec.convert(import_module(f"bench.{group}").run(), list[Row]), False
    except Exception as error:  # noqa: BLE001 - the other groups go on, and the reason stands in the table
        if isinstance(error, ModuleNotFoundError) and error.name == f"bench.{group}":
            return [Row(name=group, note="not there")], False
        traceback.print_exc()
        return [Row(name=group, note=f"failed: {type(error).__name__}: {error}")], True


def machine() -> str:
    """The processor, its cores and the Python that measured."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model or platform.processor() or platform.machine()}, {cores} cores, Python {platform.python_version()}"


def table(rows: list[Row]) -> Table:
    shown = Table("what", "value", "baseline", "ratio", "goal", "", "note", show_lines=True)
    colours = {"met": "green", "missed": "red", "": ""}
    for row in rows:
        shown.add_row(
            row.name, f"{_number(row.value)} {row.unit}".strip(), _number(row.baseline), _number(row.ratio),
            row.goal or "", row.verdict, row.note, style=colours[row.verdict],
        )  # fmt: skip
    return shown


def _number(number: float | None) -> str:
    return "" if number is None else f"{number:,g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
