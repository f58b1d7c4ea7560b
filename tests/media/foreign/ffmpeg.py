"""FFmpeg's whip muxer, as it is in PyAV: `ffmpeg.py URL SECONDS CERTIFICATE KEY` publishes H.264 with sound.

Prints how many frames its encoder made.
"""

from __future__ import annotations

import sys
import time

import av
import numpy as np

WIDTH, HEIGHT, FPS, GOP = 640, 480, 15, 30
RATE, SAMPLES = 48_000, 960


def main(url: str, seconds: float, *files: str) -> None:
    av.logging.set_level(av.logging.WARNING)
    options = {"authorization": "token"} | dict(zip(("cert_file", "key_file"), files, strict=False))
    session = av.open(url, "w", format="whip", options=options)
    fast = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "bf": "0"}
    picture = session.add_stream("libx264", rate=FPS, options=fast)
    picture.width, picture.height, picture.pix_fmt, picture.gop_size = WIDTH, HEIGHT, "yuv420p", GOP
    voice = session.add_stream("libopus", rate=RATE)
    voice.layout, voice.bit_rate = "stereo", 32_000
    session.start_encoding()
    start, encoded, spoken = time.monotonic(), 0, 0
    while (at := time.monotonic() - start) < seconds + 1:  # FFmpeg keeps a picture until sound comes that is later
        if encoded < round(seconds * FPS) and encoded / FPS <= at:
            stripes = np.add(np.arange(WIDTH), 2 * encoded).astype(np.uint8)  # they wander
            frame = av.VideoFrame.from_ndarray(np.tile(stripes[None, :, None], (HEIGHT, 1, 3)), format="rgb24")
            frame.pts = encoded
            session.mux(picture.encode(frame))
            encoded += 1
        elif spoken * SAMPLES / RATE <= at:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 2 * SAMPLES), np.int16), format="s16", layout="stereo")
            silence.sample_rate, silence.pts = RATE, spoken * SAMPLES
            session.mux(voice.encode(silence))
            spoken += 1
        else:
            time.sleep(0.005)
    print(encoded)
    session.close()


main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:])
