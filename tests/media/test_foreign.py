"""WHIP clients that nobody of ours wrote publish camera and screen with sound, which we take of the camera alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from domain.messages import Track
from tests.media.hall import Eventually, Hall, watch
from tests.media.loopback import served

CLIENTS = Path(__file__).with_name("foreign")
SECONDS = 8
TAKES_S = 90
DEBIANS_PYTHON = "/usr/bin/python3"
NEEDS = "gi.require_version('GstWebRTC', '1.0'); from gi.repository import Gst; Gst.init(None)"
PARTS = ("webrtcbin", "nicesrc", "vp8enc", "opusenc")


def gstreamer_is_here() -> bool:
    look = f"import gi; {NEEDS}; raise SystemExit(not all(map(Gst.ElementFactory.find, {PARTS})))"
    try:
        return subprocess.run([DEBIANS_PYTHON, "-c", look], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


async def publishes(python: str, client: str, url: str) -> int:
    """Runs a client to its end; how many pictures it says that it encoded."""
    program = await asyncio.create_subprocess_exec(
        python, str(CLIENTS / client), url, str(SECONDS),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        said, wrong = await asyncio.wait_for(program.communicate(), TAKES_S)
    except TimeoutError:
        program.kill()
        raise
    assert program.returncode == 0, wrong.decode()
    return int(said)


async def are_recorded(hall: Hall, session: str, eventually: Eventually, python: str, client: str) -> None:
    tracks: tuple[Track, ...] = ("camera", "screen")
    async with served(hall) as url:
        sent = await asyncio.gather(*(publishes(python, client, f"{url}/whip/{session}/{track}") for track in tracks))
        for track in tracks:
            await eventually((hall.folder(session, track) / "ended.json").exists)
    for track, encoded in zip(tracks, sent, strict=True):
        seen = [watch(s.opened.plaintext) for s in hall.segments(session, track)]
        assert all(w.monotonic and w.keyframes[0] and w.packets == w.decoded for w in seen)
        frames, sounds = (sum(w.decoded[kind] for w in seen) for kind in ("video", "audio"))
        print(f"{client}: {frames} of {encoded} frames of the {track} recorded, {sounds} packets of sound")
        assert frames >= 0.99 * encoded > SECONDS
        assert (sounds > SECONDS) == (track == "camera")
        assert hall.ended(session, track).why == "stopped"


async def test_googles_libwebrtc_publishes(hall: Hall, session: str, eventually: Eventually) -> None:
    await are_recorded(hall, session, eventually, sys.executable, "libwebrtc.py")


async def test_gstreamer_publishes(hall: Hall, session: str, eventually: Eventually) -> None:
    if not gstreamer_is_here():
        pytest.skip("GStreamer with webrtcbin, libnice, VP8 and Opus, and python3-gi, are not on this machine")
    await are_recorded(hall, session, eventually, DEBIANS_PYTHON, "gstreamer.py")
