"""What recording a stream costs, beside aiortc's own MediaRecorder: CPU time from the packets to the finished file.

Publishers run in a process of their own and send clips that were encoded ahead, the same to both. Ours is the whole
path: receiving (SRTP, reordering, WebM, sealing, the spool on disk with its syncs), and then finishing (hashing and
delivery to a folder of objects, the remux to one sealed file, its check), without the events in the ledger.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from bench.processes import expect, free_port, process, serving
from bench.recorders import Aiortc, Ours
from media.clips import card_clip, screen_clip, sound_clip
from media.publisher import Publisher

WARM_S, WINDOW_S = 3.0, 10.0
ASKED = 100  # candidates a core
NAME = "bench.recording"


class Cost(NamedTuple):
    """CPU seconds for each second of a stream, or of a candidate. MediaRecorder finishes while it receives."""

    receiving: float
    finishing: float = 0.0

    @property
    def whole(self) -> float:
        return self.receiving + self.finishing


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about 90 seconds."""
    theirs = _measure("aiortc", streams=2, packet_ms=20)
    ours = _measure("ours", streams=8, packet_ms=20)
    long = _measure("ours", streams=8, packet_ms=60)
    their_candidate = _measure("aiortc", streams=1, packet_ms=20, screens=True)
    candidate = _measure("ours", streams=8, packet_ms=20, screens=True)
    camera = "VP8 640x480 at 15 a second, 300 kbit/s, Opus in packets of 20 ms"

    def row(name: str, own: float, other: float, goal: str | None, note: str) -> dict[str, object]:
        return {
            "name": name, "value": _ms(own), "unit": "CPU ms a second of stream", "baseline": _ms(other),
            "ratio": round(other / own, 1), "goal": goal, "note": note,
        }  # fmt: skip

    return [
        row(
            "recording a camera with sound to the finished file, against aiortc MediaRecorder", ours.whole,
            theirs.whole, ">=25",
            f"{camera}. The goal is for this row: receiving, then hashing, delivery and remux"
            f" ({_ms(ours.finishing)} CPU ms)",
        ),
        row(
            "receiving alone, against the same", ours.receiving, theirs.whole, None,
            "what the media process does; no goal, because the baseline ends with a finished file",
        ),
        row(
            "receiving with sound in packets of 60 ms, against packets of 20 ms", long.receiving, ours.receiving, None,
            "both ours; our answer asks browsers for 60 ms",
        ),
        {
            "name": "candidates a core, camera, sound and screen, against aiortc MediaRecorder",
            "value": round(1 / candidate.receiving, 1), "unit": "candidates",
            "baseline": round(1 / their_candidate.whole, 1),
            "ratio": round(their_candidate.whole / candidate.receiving, 1), "goal": None,
            "note": f"asked for: {ASKED} candidates or more. Reckoned from 8 in the media process, which takes"
            f" {_ms(candidate.receiving)} CPU ms a second for each; {round(1 / candidate.whole)} when the same core"
            " finishes their files too",
        },
    ]  # fmt: skip


def _ms(cores: float) -> float:
    return round(cores * 1000, 2)


def _measure(server: str, *, streams: int, packet_ms: int, screens: bool = False) -> Cost:
    """What it costs for each second and stream, or candidate with `screens`."""
    port = free_port()
    with process(NAME, "serve", server, port) as receiver:
        expect(receiver, "ready")
        with process(NAME, "publish", port, streams, packet_ms, int(screens)) as publishers:
            expect(publishers, "sending")
            expect(receiver, "measured")
            assert receiver.stdout is not None
            measured = json.loads(receiver.stdout.readline())
            publishers.kill()
    tracks = 2 if screens else 1
    if measured["connections"] != streams * tracks or measured["lost"]:
        raise RuntimeError(f"the measurement does not count: {measured}")
    return Cost(measured["cpu_s"] / measured["wall_s"] / streams, measured["finishing"] * tracks)


async def _serve(kind: str, port: int) -> None:
    """Receives until the first publishers have been measured."""
    with tempfile.TemporaryDirectory() as folder:
        receiver = Ours(Path(folder)) if kind == "ours" else Aiortc(Path(folder))
        first = asyncio.Event()

        async def answer(path: str, offer: str) -> str:
            first.set()
            return await receiver.answer(path, offer)

        async with serving(port, answer):
            print("ready", flush=True)
            await first.wait()
            await asyncio.sleep(WARM_S)
            wall, cpu = time.monotonic(), time.process_time()
            await asyncio.sleep(WINDOW_S)
            cpu_s, wall_s = time.process_time() - cpu, time.monotonic() - wall
            counts = {"connections": receiver.connections, "lost": receiver.lost}
            await receiver.close()
            finishing = await receiver.finish()
            print("measured", flush=True)
            print(json.dumps({"cpu_s": cpu_s, "wall_s": wall_s, "finishing": finishing, **counts}), flush=True)


async def _publish(port: int, streams: int, packet_ms: int, screens: bool) -> None:
    card, tone = card_clip(), sound_clip(hertz=440, packet_ms=packet_ms)
    page = screen_clip() if screens else None
    async with AsyncExitStack() as stack:
        for number in range(streams):
            url = f"http://127.0.0.1:{port}"
            await stack.enter_async_context(Publisher(f"{url}/camera/{number}", None, card, tone))
            if page is not None:
                await stack.enter_async_context(Publisher(f"{url}/screen/{number}", None, page))
        print("sending", flush=True)
        await asyncio.sleep(60)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", kind, port]:
            asyncio.run(_serve(kind, int(port)))
        case ["publish", port, streams, packet_ms, screens]:
            asyncio.run(_publish(int(port), int(streams), int(packet_ms), screens == "1"))
        case _:
            print(json.dumps(run(), indent=1))
