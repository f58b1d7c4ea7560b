// Publishes one stream by WHIP (RFC 9725).

import { keepConnected } from "/assets/rtc.js";

/** `at` is the session, `name` the track. Tells `state` how it goes; returns `stop` and `again`. */
export function publish(call, at, name, media, state) {
  const prepare = (peer) => {
    for (const track of media.getTracks()) {
      const sender = peer.addTransceiver(track, { direction: "sendonly", streams: [media] });
      if (track.kind === "video") preferVp8(sender);
    }
  };
  return keepConnected(call, at, `${at}/whip/${name}`, prepare, state);
}

function preferVp8(transceiver) {
  const codecs = RTCRtpReceiver.getCapabilities("video").codecs;
  const rank = (codec) => (codec.mimeType === "video/VP8" ? 0 : 1);
  transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
}
