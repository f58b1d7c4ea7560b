// Publishes one stream by WHIP (RFC 9725).

import { keepConnected } from "/assets/rtc.js";

/**
 * `at` is the session, `name` the track. Tells `state` how it goes. Returns what `keepConnected` does, and `pictures`: how
 * many the connection has sent.
 */
export function publish(call, at, name, media, state) {
  const prepare = (peer) => {
    for (const track of media.getTracks()) {
      const sender = peer.addTransceiver(track, { direction: "sendonly", streams: [media] });
      if (track.kind === "video") preferVp8(sender);
    }
  };
  const connection = keepConnected(call, at, `${at}/whip/${name}`, prepare, state);
  return { ...connection, pictures: async () => counted(await connection.stats()) };
}

function preferVp8(transceiver) {
  const codecs = RTCRtpReceiver.getCapabilities("video").codecs;
  const rank = (codec) => (codec.mimeType === "video/VP8" ? 0 : 1);
  transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
}

/** The pictures that a connection has sent since it was opened. */
function counted(stats) {
  const sent = [...(stats?.values() ?? [])].filter((one) => one.type === "outbound-rtp" && one.kind === "video");
  return sent.reduce((sum, one) => sum + (one.framesSent ?? 0), 0);
}
