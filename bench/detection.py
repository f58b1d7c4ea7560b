"""`python -m bench.detection`: how well the detectors find what was planned. As a benchmark: what looking costs.

The evaluation needs clips (`--clips FOLDER`), whose names say what they show: `one-person-*`, `turning-head*`,
`two-people*`, `classroom*`. It prints a summary and writes all of it with `--json FILE`. The same clips, sessions and
seed give the same numbers, but for times.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bench import clips, looking, overload
from bench.evaluation import alone, evaluate
from detectors import weights
from detectors.pipeline import Pipeline

SESSIONS = 24


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about three minutes, one of them by the clock."""
    resolved = weights.resolve()
    pipeline = Pipeline.load(resolved)
    rows, room = looking.rows(pipeline, resolved)
    return rows + overload.rows(pipeline, room)


def main(arguments: Sequence[str]) -> int:
    """The exit code: 2 when there are no clips to put sessions together from."""
    asked = _arguments(arguments)
    everything = list(clips.load(asked.clips)) if asked.clips.is_dir() else []
    if not any(clip.shows == "one_person" for clip in everything):
        print(f"{asked.clips} holds no clip whose name begins with one-person-", file=sys.stderr)
        return 2
    single = [clip for clip in everything if clip.name.startswith("one-person-")]
    resolved = weights.resolve()
    pipeline = Pipeline.load(resolved)
    with _progress() as bar:
        task = bar.add_task("", total=2 * asked.sessions + len(single))

        def step(what: str) -> None:
            bar.update(task, advance=1, description=what)

        found = {
            "half": asked.half,
            "seed": asked.seed,
            "weights": {one.name: one.sha256 for one in (resolved.persons, resolved.faces)},
            **evaluate(pipeline, clips.half(everything, asked.half), asked.sessions, asked.seed, step),
            "one_person": alone(pipeline, single, step),
        }
    found["goals"] = goals(found)
    _print(found, Console(width=None if sys.stdout.isatty() else 120))
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    return 0


def goals(found: dict[str, Any]) -> dict[str, bool | None]:
    """Whether what was asked of the detectors holds; None where a kind is not there, or no clip shows it."""
    recall = found["recall"]
    asked = {f"recall of {kind} >= 0.95": (recall.get(kind), 0.95) for kind in get_args(clips.Shows)[1:]}
    at_least = {"f1 >= 0.85": (found["f1"], 0.85), **asked}
    at_least["one face in 98% of the pictures of one person"] = (found["one_person"]["exactly_one_face"], 0.98)
    late, false = found["mean_latency_s"], found["false_incidents_per_candidate_hour"]
    opened = found["one_person"]["incidents"]
    return {
        **{name: None if number is None else number >= least for name, (number, least) in at_least.items()},
        "false incidents per candidate and hour <= 5": false <= 5,
        "mean latency <= 4 s": None if late is None else late <= 4,
        "no handheld_device on clips of one person": not opened["handheld_device"]
        if "handheld_device" in opened
        else None,
        "smoothing lowers false incidents": false
        < found["variants"]["gate, no smoothing"]["false_incidents_per_candidate_hour"],
        "the gate changes no incident": found["same_with_and_without_the_gate"],
    }


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, default=clips.FOLDER, help="the folder of clips (%(default)s)")
    parser.add_argument("--json", type=Path, help="where to write everything")
    parser.add_argument("--half", choices=get_args(clips.Half), default="reporting", help="of the clips (%(default)s)")
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="of five minutes each (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first session (%(default)s)")
    return parser.parse_args(arguments)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _print(found: dict[str, Any], console: Console) -> None:
    kinds = Table("kind", "planned", "right", "missed", "false", "mean latency", "")
    for kind, said in found["kinds"].items():
        right, missed = said.get("right"), said.get("missed")
        planned = "" if right is None else right + missed
        numbers = (planned, right, missed, said.get("false"), said.get("mean_latency_s"))
        kinds.add_row(kind, *("" if n is None else str(n) for n in numbers), said["state"])
    variants = Table("variant", "f1", "precision", "recall", "false an hour", "latency s", "CPU ms", "looked in")
    for name, said in found["variants"].items():
        numbers = (
            *(said["overall"][n] for n in ("f1", "precision", "recall")), said["false_incidents_per_candidate_hour"],
            said["mean_latency_s"], said["cpu_ms_a_sample"], said["objects_looked_for_in"],
        )  # fmt: skip
        variants.add_row(name, *("" if n is None else f"{n:g}" for n in numbers))
    console.print(f"{found['sessions']} sessions, {found['candidate_hours']} hours, of the {found['half']} half", kinds)
    console.print(variants, f"One person alone: {found['one_person']}")
    for name, held in found["goals"].items():
        console.print(f"  {'--' if held is None else 'ok' if held else '!!'}  {name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
