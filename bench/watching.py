"""What watching costs: one more viewer of a camera, beside aiortc's MediaRelay and beside Janus; the wall's thumbnails.

One candidate sends what was encoded ahead; viewers take and decode it in another process. All are measured with few
viewers and with several, and the difference is divided by how many came.
"""

from __future__ import annotations

import asyncio
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import av

from bench import janus
from bench.processes import expect, free_port, hear, pin, process, say, serving, tell, told
from bench.relays import Aiortc, Ours
from domain.messages import KeyFrame
from media.clips import card_clip
from media.frames import to_picture

NAME = "bench.watching"
WARM_S, WINDOWS, WINDOW_S = 3.0, 3, 4.0
FEW, MANY, THEIRS = 1, 9, 3  # viewers; aiortc has no room for more
FPS, MOST = 15, 0.9  # of the pictures must be seen


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about 90 seconds."""
    (theirs, _), (ours, what) = one_more("aiortc", THEIRS), one_more("ours", MANY)
    return [
        {
            "name": "one more viewer of a camera with sound, against aiortc MediaRelay", "value": _ms(ours),
            "unit": "CPU ms a second", "baseline": _ms(theirs), "ratio": round(theirs / ours, 1), "goal": ">=20",
            "note": f"{what}; from {FEW} to {MANY} viewers, theirs to {THEIRS}",
        },
        _against_janus(ours, what),
        _thumbnails(),
    ]  # fmt: skip


def one_more(kind: str, viewers: int) -> tuple[float, str]:
    """CPU seconds a second, and what was sent. RuntimeError when somebody saw too little."""
    port, address = free_port(), janus.ADDRESS if kind == "janus" else "127.0.0.1"
    shares = []
    with process(NAME, "serve", kind, port) as relay:
        expect(relay, "ready")
        with (
            process("bench.senders", port, address, 1, 60, 0) as sender,
            process("bench.viewers", port, address, int(kind == "janus")) as watching,
        ):
            what = hear(sender)
            expect(sender, "sending")
            for number in (FEW, viewers):
                tell(watching, str(number))
                hear(watching)
                time.sleep(WARM_S)
                tell(watching, "seen")
                before = hear(watching)
                tell(relay, "measure")
                shares.append(statistics.median(hear(relay)))
                tell(watching, "seen")
                seen = [after - one for one, after in zip(before, hear(watching), strict=True)]
                if min(seen) < MOST * WINDOWS * WINDOW_S * FPS:
                    raise RuntimeError(f"the measurement does not count: the viewers of {kind} saw {seen} pictures")
    return (shares[1] - shares[0]) / (viewers - FEW), what


def _against_janus(ours: float, what: str) -> dict[str, object]:
    name, goal = "one more viewer of a camera with sound, against Janus", "<=1"
    if (why := janus.missing()) is not None:
        return {"name": name, "goal": goal, "note": why}
    theirs = janus.measured_apart("-m", NAME, "janus")
    return {
        "name": name, "value": _ms(ours), "unit": "CPU ms a second", "baseline": _ms(theirs),
        "ratio": round(ours / theirs, 2), "goal": goal, "note": f"{what}; from {FEW} to {MANY} viewers each",
    }  # fmt: skip


def _ms(cores: float) -> float:
    return round(cores * 1000, 2)


def _thumbnails() -> dict[str, object]:
    """A key frame to a picture for detectors and a thumbnail for the wall, in turns with the usual way."""
    data = card_clip().frames[0]
    keyframe = KeyFrame(tenant="t", session="s", track="camera", at=datetime.now(UTC), codec="VP8", data=data)

    def usual() -> None:
        decoder = av.CodecContext.create("vp8", "r")
        image = (decoder.decode(av.Packet(data)) or decoder.decode(None))[0].to_image()  # type: ignore[attr-defined]
        image.save(io.BytesIO(), "JPEG", quality=85)
        image.thumbnail((160, 320))
        image.save(io.BytesIO(), "JPEG", quality=75)

    ours, theirs = [], []
    for _ in range(7):
        ours.append(_rate(lambda: to_picture(keyframe)))
        theirs.append(_rate(usual))
    value, baseline = statistics.median(ours), statistics.median(theirs)
    return {
        "name": "thumbnails a core-second, each with the detectors' picture, against PyAV and Pillow",
        "value": round(value), "unit": "pictures", "baseline": round(baseline), "ratio": round(value / baseline, 2),
        "goal": None, "note": "from a VP8 key frame of 640x480 to a JPEG of that size and one of 160x120; median of 7",
    }  # fmt: skip


def _rate(work: Callable[[], object]) -> float:
    """How often a second of CPU time has room for it."""
    began = time.process_time()
    for _ in range(100):
        work()
    return 100 / (time.process_time() - began)


async def _serve(kind: str, port: int) -> None:
    """Passes on what comes, and measures when told."""
    pin(0)
    async with AsyncExitStack() as stack:
        relay: Ours | Aiortc | janus.Janus
        match kind:
            case "ours":
                relay = Ours()
            case "aiortc":
                relay = Aiortc()
            case _:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                relay = await stack.enter_async_context(janus.running(folder, recording=False))
        await stack.enter_async_context(serving(port, relay.answer))
        say("ready")
        while await told():
            shares = []
            for _ in range(WINDOWS):
                wall, cpu = time.monotonic(), relay.cpu_s()
                await asyncio.sleep(WINDOW_S)
                shares.append((relay.cpu_s() - cpu) / (time.monotonic() - wall))
            say(shares)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", kind, port]:
            asyncio.run(_serve(kind, int(port)))
        case ["janus"]:
            print(one_more("janus", MANY)[0])
        case _:
            print(json.dumps(run(), indent=1))
