"""What recording a stream costs, beside aiortc's MediaRecorder and beside Janus: CPU time, from packets on.

Candidates send from a process of their own what was encoded ahead, the same to all (`bench/senders.py`). Ours is the
whole path: receiving (SRTP, reordering, WebM, sealing, the spool on disk with its syncs), and then finishing (hashing
and delivery to a folder of objects, the remux to one sealed file, its check), without the events in the ledger.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from bench import janus
from bench.processes import expect, free_port, hear, pin, process, say, serving, tell, told
from bench.recorders import Aiortc, Ours

NAME = "bench.recording"
WARM_S, WINDOWS, WINDOW_S = 3.0, 3, 6.0  # a window is as long as a segment: each has one cut of every stream
MANY, FEW = 30, 2  # streams; aiortc has no room for more
TRIES = 3
LATE_S, LATE_WHOLE_S = 0.3, 1.0  # how far senders may fall behind, and how far when all they sent was recorded
MOST = 0.9  # of what was sent must be recorded


class DoesNotCount(RuntimeError):
    """Not what was meant has been measured."""


class Recorded(NamedTuple):
    """What one recorder did. `share` is of a core, the median; `finishing` CPU seconds a second of one recording.

    `what` says what was sent, `sent` how much of it, `found` how much was recorded.
    """

    streams: int
    share: float
    finishing: float
    what: str
    sent: dict[str, float]
    found: dict[str, int]

    @property
    def receiving(self) -> float:
        """CPU seconds a second of one stream."""
        return self.share / self.streams


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about two minutes."""
    theirs, ours = record("aiortc", FEW), record("ours", MANY)
    whole = ours.receiving + ours.finishing
    unit = "CPU ms a second of stream"
    return [
        {
            "name": "recording a camera with sound to the finished file, against aiortc MediaRecorder",
            "value": _ms(whole), "unit": unit, "baseline": _ms(theirs.receiving),
            "ratio": round(theirs.receiving / whole, 1), "goal": ">=25",
            "note": f"{ours.what}. Receiving ({_ms(ours.receiving)}), then hashing, delivery and remux"
            f" ({_ms(ours.finishing)}); {MANY} streams, theirs {FEW}",
        },
        _against_janus(ours),
    ]  # fmt: skip


def record(kind: str, candidates: int, *, packet_ms: int = 20, screens: bool = False, finish: bool = True) -> Recorded:
    """Has `kind` record so many, again where the machine was too busy to count. `DoesNotCount` in the end."""
    why = ""
    for _ in range(TRIES):
        try:
            return _record(kind, candidates, packet_ms, screens, finish)
        except RuntimeError as error:
            why = str(error)
            print(f"with {candidates} from {kind}: {why}", file=sys.stderr)
    raise DoesNotCount(why)


def _record(kind: str, candidates: int, packet_ms: int, screens: bool, finish: bool) -> Recorded:
    port = free_port()
    with process(NAME, "serve", kind, port) as recorder:
        expect(recorder, "ready")
        address = janus.ADDRESS if kind == "janus" else "127.0.0.1"
        with process("bench.senders", port, address, candidates, packet_ms, int(screens)) as senders:
            what = hear(senders)
            expect(senders, "sending")
            tell(recorder, "measure")
            shares = hear(recorder)
            tell(senders, "stop")
            sent = hear(senders)
            tell(recorder, "finish" if finish else "stop")
            found = hear(recorder)
    finishing, connections = found.pop("finishing"), found.pop("connections")
    tracks = 2 if screens else 1
    if connections != candidates * tracks:
        raise DoesNotCount(f"{connections} of {candidates * tracks} connections to {kind} stood")
    whole = all(found.get(kind) == sent[kind] for kind in ("frames", "sounds"))
    if sent["late_s"] > (LATE_WHOLE_S if whole else LATE_S):
        raise DoesNotCount(f"the senders fell {sent['late_s']} s behind")
    if found["frames"] < MOST * sent["frames"] or found["sounds"] < MOST * sent["sounds"]:
        raise DoesNotCount(f"{kind} recorded {found} of {sent}")
    return Recorded(candidates, statistics.median(shares), finishing * tracks, what, sent, found)


def _against_janus(ours: Recorded) -> dict[str, object]:
    name, goal = "receiving and recording the same, against Janus recording to .mjr", "<=2"
    if (why := janus.missing()) is not None:
        return {"name": name, "goal": goal, "note": why}
    theirs = janus.measured_apart("-m", NAME, "janus")
    return {
        "name": name, "value": _ms(ours.receiving), "unit": "CPU ms a second of stream", "baseline": _ms(theirs),
        "ratio": round(ours.receiving / theirs, 2), "goal": goal,
        "note": f"{ours.what}; {MANY} streams each. Ours is sealed and synced each second; what Janus writes is"
        " neither, and is still to be made into a file that plays",
    }  # fmt: skip


def _ms(cores: float) -> float:
    return round(cores * 1000, 2)


async def _serve(kind: str, port: int) -> None:
    """Records what comes; measures and finishes when told."""
    pin(0)
    logging.getLogger("media").setLevel(logging.ERROR)  # how often a recording stopped is counted
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        recorder: Ours | Aiortc | janus.Janus
        match kind:
            case "ours":
                recorder = Ours(folder)
            case "aiortc":
                recorder = Aiortc(folder)
            case _:
                recorder = await stack.enter_async_context(janus.running(folder, recording=True))
        await stack.enter_async_context(serving(port, recorder.answer))
        say("ready")
        await told()
        await asyncio.sleep(WARM_S)
        shares = []
        for _ in range(WINDOWS):
            wall, cpu = time.monotonic(), recorder.cpu_s()
            await asyncio.sleep(WINDOW_S)
            shares.append((recorder.cpu_s() - cpu) / (time.monotonic() - wall))
        say(shares)
        finish = await told() == "finish"
        await asyncio.sleep(1)  # the last packets
        connections = recorder.connections
        counts = await recorder.close()
        say({"connections": connections, "finishing": await recorder.finish() if finish else 0.0, **counts})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", kind, port]:
            asyncio.run(_serve(kind, int(port)))
        case ["janus"]:
            print(record("janus", MANY).receiving)
        case _:
            print(json.dumps(run(), indent=1))
