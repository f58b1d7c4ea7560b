"""WHIP clients that nobody of ours wrote publish camera and screen with sound, which we take of the camera alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from aiortc.rtcdtlstransport import generate_certificate
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from domain.messages import Track
from tests.media.hall import Eventually, Hall, watch
from tests.media.loopback import served
from tests.media.test_loss import stored_finalised_and_played

CLIENTS = Path(__file__).with_name("foreign")
SECONDS = 6
TAKES_S = 90
DEBIANS_PYTHON = "/usr/bin/python3"
NEEDS = "gi.require_version('GstWebRTC', '1.0'); from gi.repository import Gst; Gst.init(None)"
PARTS = ("webrtcbin", "nicesrc", "opusenc")
ENCODERS = {"VP8": ("vp8enc",), "H264": ("openh264enc", "h264parse")}


def gstreamer_is_here(codec: str) -> bool:
    parts = PARTS + ENCODERS[codec]
    look = f"import gi; {NEEDS}; raise SystemExit(not all(map(Gst.ElementFactory.find, {parts})))"
    try:
        return subprocess.run([DEBIANS_PYTHON, "-c", look], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


async def run(*command: str) -> tuple[int, str, str]:
    """Runs a client to its end: its exit status, what it said, and what was wrong."""
    program = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        said, wrong = await asyncio.wait_for(program.communicate(), TAKES_S)
    except TimeoutError:
        program.kill()
        raise
    assert program.returncode is not None
    return program.returncode, said.decode(), wrong.decode()


async def publishes(python: str, client: str, url: str, *more: str) -> int:
    """How many pictures a client says that it encoded."""
    status, said, wrong = await run(python, str(CLIENTS / client), url, str(SECONDS), *more)
    assert status == 0, wrong
    return int(said)


async def are_recorded(hall: Hall, session: str, eventually: Eventually, python: str, client: str, *more: str) -> None:
    tracks: tuple[Track, ...] = ("camera", "screen")
    async with served(hall) as url:
        to = (f"{url}/whip/{session}/{track}" for track in tracks)
        sent = await asyncio.gather(*(publishes(python, client, one, *more) for one in to))
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


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_gstreamer_publishes(hall: Hall, session: str, eventually: Eventually, codec: str) -> None:
    if not gstreamer_is_here(codec):
        pytest.skip(f"GStreamer with webrtcbin, libnice, {codec} and Opus, and python3-gi, are not on this machine")
    await are_recorded(hall, session, eventually, DEBIANS_PYTHON, "gstreamer.py", codec)
    assert {s.note.codec for s in hall.segments(session, "camera")} == {codec}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The files of a certificate and its key. FFmpeg built with GnuTLS makes one on P-224, of which OpenSSL knows no
    more.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(generate_certificate(key).public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(files[0]), str(files[1])


async def test_ffmpegs_muxer_publishes_h264(
    hall: Hall, session: str, tmp_path: Path, *, certificate: tuple[str, str], eventually: Eventually
) -> None:
    await are_recorded(hall, session, eventually, sys.executable, "ffmpeg.py", *certificate)
    assert {s.note.codec for s in hall.segments(session, "camera")} == {"H264"}
    recorded = sum(s.note.frames for s in hall.segments(session, "camera"))
    played = watch(await stored_finalised_and_played(hall.settings.spool, tmp_path / "objects", session))
    assert played.monotonic
    assert played.decoded == played.packets
    assert played.decoded["video"] == recorded
    assert played.times["video"][-1] == pytest.approx(SECONDS, abs=0.5)
