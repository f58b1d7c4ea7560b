"""`vigil detectors`: what there is to point out, who runs it, what is switched off, and how often people confirm it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

import click

from api.detector_workers import DetectorWorkers
from domain import switches
from domain.detector import Registered, registry
from domain.stream import Stream
from projections.counting import tallies
from projections.reader import NotThereYet
from vigil.catalogue import catalogue
from vigil.settings import Settings
from vigil.wiring import attached, core

HEARD_S = 2.5  # in which each detector worker has said twice that it is here

HEAD = ("kind", "state", "rule", "weights", "opened", "confirmed", "dismissed", "unsure", "precision")
Row = tuple[str, ...]


async def table(settings: Settings, *, tenant: str) -> str:
    """A line for each kind and each version of its rule. Raises `click.ClickException`."""
    async with core(attached(settings), "tool") as here:
        workers = DetectorWorkers()
        await workers.listen(here.nats)
        _, known = await here.handler.load(switches.DECIDER, str(Stream(tenant, "detectors", switches.NAME)))
        try:
            async with here.pool.connection() as conn:
                happened = await tallies(conn, tenant)
        except NotThereYet:
            raise click.ClickException("the numbers are being put together; try again in a moment") from None
        await asyncio.sleep(HEARD_S)
        found = registry(catalogue(), known, [beat.runs for beat in workers.alive()], happened)
    return "\n".join((*_aligned((HEAD, *(row for one in found for row in rows(one)))), "", *_switched_off(found)))


def rows(one: Registered) -> Iterator[Row]:
    """The versions of its rule, the newest first; what runs and has opened nothing is a row as well."""
    state = "off" if one.off else one.state.replace("_", " ")
    known = {(version.rule_version, _short(version.weights)) for version in one.versions}
    for running in one.running:
        here = (running.rule_version, _short(running.weights))
        if here not in known:
            yield (one.kind, state, *here, *("0",) * 4, "")
            known.add(here)
    if not known:
        yield (one.kind, state, one.rule_version, "", *("0",) * 4, "")
    for version in one.versions:
        score = version.score
        counts = (score.opened, score.confirmed, score.dismissed, score.unsure)
        numbers = tuple(str(many) for many in counts)
        yield (one.kind, state, version.rule_version, _short(version.weights), *numbers, score.said)


def _switched_off(found: Iterable[Registered]) -> Iterator[str]:
    for one in found:
        if one.off:
            yield f"{one.kind} is off since {one.off.since:%Y-%m-%d %H:%M} UTC, by {one.off.by}: {one.off.reason}"
    yield "A share is a number about a rule, never about a person. Nothing learns from it and nothing acts on it."


def _short(weights: dict[str, str]) -> str:
    return " ".join(f"{name}:{sha256[:8]}" for name, sha256 in sorted(weights.items()))


def _aligned(lines: tuple[Row, ...]) -> Iterator[str]:
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    for line in lines:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
