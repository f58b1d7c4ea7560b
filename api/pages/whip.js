// Publishes one stream by WHIP (RFC 9725), and again whenever the connection is lost.

import { iceServers } from "/assets/ice.js";

/** `at` is the session. `state("connecting" | "live" | "lost", why)` tells how it goes. Returns `stop`, which ends it as
 * WHIP asks. */
export function publish(call, at, name, media, state) {
  let stopped = false;
  let peer = null;
  let location = null;
  let pause = 500;

  async function connect() {
    state("connecting");
    peer?.close();
    const through = await iceServers(call, at);
    if (stopped) return;
    const mine = (peer = new RTCPeerConnection(through));
    for (const track of media.getTracks()) {
      const sender = mine.addTransceiver(track, { direction: "sendonly", streams: [media] });
      if (track.kind === "video") preferVp8(sender);
    }
    mine.onconnectionstatechange = () => {
      if (mine !== peer || stopped) return;
      if (mine.connectionState === "connected") {
        pause = 500;
        state("live");
      } else if (["failed", "closed"].includes(mine.connectionState)) again("the connection was lost");
      else if (mine.connectionState === "disconnected")
        setTimeout(() => mine === peer && mine.connectionState === "disconnected" && again("the connection was lost"), 3000);
    };
    await mine.setLocalDescription(await mine.createOffer());
    await gathered(mine);
    const response = await fetch(call.url(`${at}/whip/${name}`), {
      method: "POST",
      headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${call.token}` },
      body: mine.localDescription.sdp,
    });
    if (!response.ok) {
      const problem = await response.json().catch(() => ({}));
      throw Object.assign(new Error(problem.detail ?? `The server answered ${response.status}.`), { status: response.status });
    }
    location = response.headers.get("Location");
    await mine.setRemoteDescription({ type: "answer", sdp: await response.text() });
  }

  async function again(why) {
    state("lost", why);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 8000);
    if (!stopped) begin();
  }

  async function begin() {
    try {
      await connect();
    } catch (error) {
      if (stopped) return;
      if ([401, 403, 404, 409, 422].includes(error.status)) state("lost", error.message);
      else await again(error.message);
    }
  }

  begin();
  return async () => {
    stopped = true;
    peer?.close();
    if (location)
      await fetch(location, { method: "DELETE", headers: { Authorization: `Bearer ${call.token}` } }).catch(() => {});
  };
}

function preferVp8(transceiver) {
  const codecs = RTCRtpReceiver.getCapabilities("video").codecs;
  const rank = (codec) => (codec.mimeType === "video/VP8" ? 0 : 1);
  transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
}

/** All candidates go with the offer: there is no trickle. Waits two seconds at most. */
function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, 2000);
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && resolve());
  });
}
