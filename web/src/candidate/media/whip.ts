// Publishes one stream by WHIP (RFC 9725).

import type { Api } from "../../lib/api";
import { keepConnected, type Connection, type Told } from "../../lib/rtc";
import type { Track } from "./track";

export interface Published extends Connection {
  /** How many pictures the connection has sent since it was opened. */
  pictures(): Promise<number>;
}

export function publish(api: Api, session: string, track: Track, media: MediaStream, told: Told): Published {
  const prepare = (peer: RTCPeerConnection) => {
    for (const one of media.getTracks()) {
      const sender = peer.addTransceiver(one, { direction: "sendonly", streams: [media] });
      if (one.kind === "video") preferVp8(sender);
    }
  };
  const connection = keepConnected(api, session, `/api/v1/sessions/${session}/whip/${track}`, prepare, told);
  return { ...connection, pictures: async () => counted(await connection.stats()) };
}

function preferVp8(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
  const rank = (codec: RTCRtpCodec) => (codec.mimeType === "video/VP8" ? 0 : 1);
  transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
}

function counted(stats: RTCStatsReport | undefined): number {
  const sent = [...(stats?.values() ?? [])].filter((one) => one.type === "outbound-rtp" && one.kind === "video");
  return sent.reduce((sum, one) => sum + (one.framesSent ?? 0), 0);
}
