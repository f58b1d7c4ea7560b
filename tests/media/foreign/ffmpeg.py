"""FFmpeg's whip muxer, as it is in PyAV: `ffmpeg.py URL` offers to publish. Of pictures it can send H.264 alone."""

from __future__ import annotations

import sys

import av

av.logging.set_level(av.logging.WARNING)
with av.open(sys.argv[1], "w", format="whip", options={"authorization": "token"}) as session:
    picture = session.add_stream("libx264", rate=15, options={"profile": "baseline", "bf": "0"})
    picture.width, picture.height, picture.pix_fmt = 640, 480, "yuv420p"
    session.add_stream("libopus", rate=48_000).layout = "stereo"
    session.start_encoding()
