"""How many candidates one core records, camera, screen and sound, without losing a packet: tried, not reckoned.

The media process has one core, the senders have another and send no packet again. A number holds when every frame sent
is in the notes of the sealed segments in the spool, nothing was given up for lost, and the kernel dropped nothing.
"""

from __future__ import annotations

import json

from bench.recording import DoesNotCount, Recorded, record

ASKED = 100
MORE, FEWER = (150, 200), (80, 60, 40)


def run() -> list[dict[str, object]]:
    """One row. Takes about two minutes. `DoesNotCount` when the machine was too busy even for the least."""
    best, limit = None, "More were not tried."
    for candidates in (ASKED, *MORE):
        tried = _try(candidates, quietly=best is not None)
        if isinstance(tried, str) or not clean(tried):
            limit = tried if isinstance(tried, str) else _said(tried)
            break
        best = tried
    for candidates in () if best else FEWER:
        if clean(tried := _measured(candidates)):
            best = tried
            break
        limit = _said(tried)
    held = best.streams if best else 0
    note = f"each {best.what}. {_said(best)} {limit}" if best else limit
    return [
        {
            "name": "candidates one core records without a lost packet, against those asked for", "value": held,
            "unit": "candidates", "baseline": ASKED, "ratio": round(held / ASKED, 2), "goal": ">=1", "note": note,
        }
    ]  # fmt: skip


def clean(tried: Recorded) -> bool:
    found, sent = tried.found, tried.sent
    whole = found["frames"] == sent["frames"] and found["sounds"] == sent["sounds"]
    return whole and found["lost"] == found["dropped"] == found["disk_behind"] == 0


def _try(candidates: int, *, quietly: bool) -> Recorded | str:
    """What came of it; `quietly` also why nothing did."""
    try:
        return _measured(candidates)
    except DoesNotCount as error:
        if not quietly:
            raise
        return f"With {candidates} {error}."


def _measured(candidates: int) -> Recorded:
    return record("ours", candidates, packet_ms=60, screens=True, finish=False)


def _said(tried: Recorded) -> str:
    sent, found = tried.sent, tried.found
    said = f"{tried.streams} of them took {tried.share:.0%} of the core, their senders {sent['share']:.0%} of another"
    if clean(tried):
        return f"{said}; all of {sent['packets']:,} packets are in the spool."
    return (
        f"{said}; {found['lost']} of {sent['packets']:,} packets were lost, {found['dropped']} dropped by the kernel,"
        f" {sent['frames'] - found['frames']} pictures are missing; the senders were {sent['late_s']} s late at most,"
        f" the disk so far behind that recording stopped {found['disk_behind']} times."
    )


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
