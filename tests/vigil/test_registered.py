"""`vigil detectors`: a line for each kind and each version of its rule."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from functools import partial

from commands import flags, muting
from domain.incidents import OpenIncident, Provenance
from projections.counting import tallies
from projections.reader import NotThereYet
from tests.vigil.hall import Hall, running, until
from vigil.settings import variables
from vigil.watching import beat

RUNS = Provenance(
    detector="objects", detector_version="7", weights={"w": "ab" * 32}, thresholds={}, rule_version="book/9"
)
FOUND = Provenance(
    detector="persons+faces", detector_version="1", weights={"w": "cd" * 32}, thresholds={}, rule_version="several/1"
)


async def _listed(hall: Hall) -> str:
    """What the command says, in a process of its own."""
    names = ("home", "database_url", "nats_url", "objects_url", "secret_file", "signing_key_file")
    given = variables({name: getattr(hall.core.settings, name) for name in names})
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "vigil", "detectors"], env={**os.environ, **given},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


async def _counted(hall: Hall, opened: int) -> bool:
    try:
        async with hall.core.pool.connection() as conn:
            return sum(one.tally.confirmed for one in await tallies(conn, "main")) == opened
    except NotThereYet:
        return False


async def test_it_lists_every_kind_with_what_runs_what_is_off_and_what_was_confirmed(hall: Hall) -> None:
    for number in range(10):
        session, incident = await hall.sitting(), f"i{number}"
        found = OpenIncident(
            incident=incident, kind="several_people", started_at=hall.clock(), severity="high", confidence=0.9,
            provenance=FOUND, evidence=None, observed=True,
        )  # fmt: skip
        await hall.say(partial(flags.open_incident, session=session, found=found))
        verdict = partial(flags.judge, session=session, incident=incident, verdict="confirmed", reason="Two people.")
        await hall.say(verdict)
    await hall.say(partial(muting.switch_off_everywhere, kind="pasted", reason="Our platform pastes by itself."))
    await until(partial(_counted, hall, 10))
    async with running(beat(hall.core.nats, runs={"book": RUNS})):
        said = await _listed(hall)
    lines = {re.split(r"\s\s+", line)[0]: re.split(r"\s\s+", line) for line in said.splitlines()}
    assert lines["book"] == ["book", "running", "book/9", "w:abababab", "0", "0", "0", "0"]
    assert lines["several_people"][1:8] == ["not running", "several/1", "w:cdcdcdcd", "10", "10", "0", "0"]
    assert lines["several_people"][8] == "100% of 10 decided were confirmed (95% interval: 72% to 100%)"
    assert lines["pasted"][1] == "off"
    assert lines["focus_lost"][1] == "in the page"
    assert re.search(r"pasted is off since \d{4}-\d\d-\d\d \d\d:\d\d UTC, by somebody: Our platform pastes", said)
    assert "never about a person" in said
