// One WebRTC connection, opened by an offer over HTTP (WHIP and WHEP), and again whenever it is lost.

import { Problem, ok, type Api } from "./api";
import { texts } from "./language";

const t = texts({ lost: "the connection was lost" }, { lost: "die Verbindung ist abgebrochen" });

export type Told = (how: "connecting" | "live" | "lost", why?: string) => void;

export interface Connection {
  /** Ends it as the protocols ask. */
  stop(): Promise<void>;
  /** For who knows that it is lost, and may know more of why. */
  again(why?: string): void;
  /** For who knows that it soon will be: it stays until another one stands. */
  move(): void;
  stats(): Promise<RTCStatsReport | undefined>;
}

const FINAL = [401, 403, 404, 409, 422];

/** `resource` takes the offers, `prepare` says what goes over the connection, `told` hears how it goes. */
export function keepConnected(api: Api, session: string, resource: string, prepare: (peer: RTCPeerConnection) => void, told: Told): Connection {
  const authorized: Record<string, string> = api.token ? { Authorization: `Bearer ${api.token}` } : {};
  let stopped = false;
  let peer: RTCPeerConnection | null = null;
  let location: string | null = null;
  let pause = 500;
  let leave = () => {}; // the connection that we move away from

  async function connect(): Promise<void> {
    told("connecting");
    peer?.close();
    // Asked before each connection, because credentials do not last.
    const { ice_servers } = await ok(api.GET("/api/v1/sessions/{session}/ice-servers", { params: { path: { session } } }));
    if (stopped) return;
    const mine = (peer = new RTCPeerConnection({ iceServers: ice_servers }));
    prepare(mine);
    mine.onconnectionstatechange = () => {
      if (mine !== peer || stopped) return;
      if (mine.connectionState === "connected") {
        pause = 500;
        leave();
        told("live");
      } else if (["failed", "closed"].includes(mine.connectionState)) void again();
      else if (mine.connectionState === "disconnected")
        setTimeout(() => mine === peer && mine.connectionState === "disconnected" && void again(), 3000);
    };
    // The server looks at no candidates of ours: it hears where we are when we reach it. So none is waited for, and those
    // that a slow TURN server gives are used when they come.
    await mine.setLocalDescription(await mine.createOffer());
    if (stopped) return;
    const response = await fetch(resource, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...authorized },
      body: mine.localDescription?.sdp,
    });
    if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
    location = response.headers.get("Location");
    if (stopped) return hangUp(location);
    await mine.setRemoteDescription({ type: "answer", sdp: await response.text() });
  }

  async function again(why = t.lost): Promise<void> {
    peer?.close();
    peer = null;
    told("lost", why);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 8000);
    if (!stopped) void begin();
  }

  async function begin(): Promise<void> {
    try {
      await connect();
    } catch (error) {
      if (stopped) return;
      const why = error instanceof Error ? error.message : String(error);
      if (error instanceof Problem && FINAL.includes(error.status)) told("lost", why);
      else await again(why);
    }
  }

  function move(): void {
    if (!peer?.remoteDescription) return;
    const [old, where] = [peer, location];
    peer = null;
    leave = () => {
      leave = () => {};
      void hangUp(where).finally(() => old.close());
    };
    void begin();
  }

  async function hangUp(where: string | null): Promise<void> {
    const signal = AbortSignal.timeout(5000); // nobody waits for longer at the end of an exam
    if (where) await fetch(where, { method: "DELETE", headers: authorized, signal }).catch(() => {});
  }

  async function stop(): Promise<void> {
    stopped = true;
    leave();
    peer?.close();
    await hangUp(location);
  }

  void begin();
  return { stop, move, stats: async () => peer?.getStats(), again: (why) => void (peer?.remoteDescription && again(why)) };
}
