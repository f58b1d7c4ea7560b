"""GStreamer's webrtcbin (libnice, its own DTLS and RTP) as a WHIP client: `gstreamer.py URL SECONDS [CODEC]`.

In VP8, or in H.264 by OpenH264, whose parameter sets stand in the offer. For the Python that Debian's python3-gi
belongs to, with gir1.2-gst-plugins-bad-1.0, gstreamer1.0-nice and gstreamer1.0-plugins-good, for H.264 also -bad.
Prints how many frames its encoder made.
"""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Callable
from urllib.parse import urljoin

import gi

for library in ("Gst", "GstWebRTC", "GstSdp"):
    gi.require_version(library, "1.0")

from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402  # only now are the versions said

CONNECTS_S = 30.0
HEADERS = {"Authorization": "Bearer token", "Content-Type": "application/sdp"}
PICTURE = (
    " videotestsrc is-live=true pattern=ball num-buffers={frames} ! video/x-raw,width=640,height=480,framerate=15/1"
    " ! videoconvert ! {encoder} ! application/x-rtp,media=video,encoding-name={codec},payload=96 ! webrtc."
)
ENCODERS = {
    "VP8": "vp8enc name=encoder deadline=1 target-bitrate=400000 keyframe-max-dist=2000"
    " ! rtpvp8pay picture-id-mode=15-bit",
    "H264": "openh264enc name=encoder bitrate=400000 gop-size=2000 ! h264parse ! rtph264pay config-interval=0",
}
VOICE = (
    " audiotestsrc is-live=true ! audioconvert ! audioresample ! opusenc ! rtpopuspay"
    " ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! webrtc."
)


def main(url: str, seconds: float, codec: str = "VP8") -> None:
    Gst.init(None)
    sources = PICTURE.format(frames=round(seconds * 15), encoder=ENCODERS[codec], codec=codec) + VOICE
    pipeline = Gst.parse_launch("webrtcbin name=webrtc bundle-policy=max-bundle" + sources)
    webrtc = pipeline.get_by_name("webrtc")
    ice = webrtc.get_property("ice-agent")  # kept by name: webrtcbin would lose it with our last reference
    ice.emit("add-local-ip-address", "127.0.0.1")  # it would leave loopback out
    frames: list[int] = []
    encoded = pipeline.get_by_name("encoder").get_static_pad("src")
    encoded.add_probe(Gst.PadProbeType.BUFFER, lambda _, info: count(frames, info.get_buffer()))
    webrtc.connect("on-negotiation-needed", lambda _: offer(webrtc))
    pipeline.set_state(Gst.State.PLAYING)
    until(lambda: webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE)
    text = webrtc.get_property("local-description").sdp.as_text()
    with urllib.request.urlopen(urllib.request.Request(url, text.encode(), HEADERS)) as response:
        _, answer = GstSdp.SDPMessage.new_from_text(response.read().decode())
        place = urljoin(url, response.headers["Location"])
    described = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, answer)
    webrtc.emit("set-remote-description", described, Gst.Promise.new())
    until(lambda: webrtc.get_property("connection-state") == GstWebRTC.WebRTCPeerConnectionState.CONNECTED)
    until(lambda: len(frames) >= round(seconds * 15), within_s=seconds + CONNECTS_S)
    until(lambda: False, within_s=1, fails=False)  # the last packets
    print(len(frames))
    urllib.request.urlopen(urllib.request.Request(place, headers=HEADERS, method="DELETE")).close()
    pipeline.set_state(Gst.State.NULL)


def count(frames: list[int], frame: Gst.Buffer) -> Gst.PadProbeReturn:
    frames.append(frame.pts)
    return Gst.PadProbeReturn.OK


def offer(webrtc: Gst.Element) -> None:
    def made(promise: Gst.Promise, _: object) -> None:
        reply = promise.get_reply()  # the offer in it lives as long as it does
        webrtc.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(made, None))


def until(holds: Callable[[], bool], within_s: float = CONNECTS_S, *, fails: bool = True) -> None:
    end = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > end:
            if fails:
                raise TimeoutError
            return
        GLib.MainContext.default().iteration(False)
        time.sleep(0.01)


main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:])
