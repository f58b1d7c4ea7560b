"""Google's libwebrtc as a WHIP client: `libwebrtc.py URL SECONDS` publishes a moving picture with sound.

Prints how many frames its encoder made.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from urllib.parse import urljoin

import httpx
import webrtc

WIDTH, HEIGHT, FPS = 640, 480, 15
RATE, SOUND_FRAMES = 48_000, 480  # 10 ms
HEADERS = {"Authorization": "Bearer token"}


async def main(url: str, seconds: float) -> None:
    webrtc.allow_loopback()
    peer = webrtc.RTCPeerConnection()
    picture = webrtc.VideoTrackGenerator()
    sender = peer.add_transceiver(picture.track, webrtc.RTCRtpTransceiverInit(direction="sendonly")).sender
    voice = webrtc.MediaStreamTrackGenerator("audio")
    peer.add_transceiver(voice, webrtc.RTCRtpTransceiverInit(direction="sendonly"))
    await peer.set_local_description(await peer.create_offer())
    await until(lambda: peer.ice_gathering_state == "complete")
    async with httpx.AsyncClient(headers=HEADERS, timeout=30) as http:
        offer = {"content": peer.local_description.sdp, "headers": {"Content-Type": "application/sdp"}}
        answer = await http.post(url, **offer)
        assert answer.status_code == 201, answer.text
        await peer.set_remote_description(webrtc.RTCSessionDescriptionInit("answer", answer.text))
        await until(lambda: peer.connection_state == "connected")
        speaking = asyncio.create_task(speak(voice))
        await show(picture, seconds)
        await asyncio.sleep(1)  # the last packets
        speaking.cancel()
        stats = await sender.get_stats()
        print(next(s.frames_encoded for s in stats.values() if s.type == "outbound-rtp"))
        await http.delete(urljoin(url, answer.headers["Location"]))
    peer.close()


async def show(picture: webrtc.VideoTrackGenerator, seconds: float) -> None:
    writer, loop = picture.writable.get_writer(), asyncio.get_running_loop()
    start = loop.time()
    for number in range(round(seconds * FPS)):
        await asyncio.sleep(start + number / FPS - loop.time())
        stripes = bytes((n + 2 * number) & 255 for n in range(WIDTH))  # they wander
        frame = stripes * HEIGHT + bytes([128]) * (WIDTH * HEIGHT // 2)
        at = round((loop.time() - start) * 1e6)
        init = webrtc.VideoFrameBufferInit(format="I420", coded_width=WIDTH, coded_height=HEIGHT, timestamp=at)
        await writer.write(webrtc.VideoFrame(frame, init))


async def speak(voice: webrtc.MediaStreamTrackGenerator) -> None:
    writer, loop = voice.writable.get_writer(), asyncio.get_running_loop()
    start, number = loop.time(), 0
    while True:
        await asyncio.sleep(start + number * SOUND_FRAMES / RATE - loop.time())
        init = webrtc.AudioDataInit(
            format="s16", sample_rate=RATE, number_of_frames=SOUND_FRAMES, number_of_channels=1,
            timestamp=number * 10_000, data=bytes([0, 0, 0, 16] * (SOUND_FRAMES // 2)),
        )  # fmt: skip
        await writer.write(webrtc.AudioData(init))
        number += 1


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


asyncio.run(main(sys.argv[1], float(sys.argv[2])))
