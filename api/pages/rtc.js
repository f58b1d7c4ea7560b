// One WebRTC connection, opened by an offer over HTTP (WHIP and WHEP), and again whenever it is lost.

import { iceServers } from "/assets/ice.js";

/**
 * `resource` takes the offers, `prepare(peer)` says what goes over it. `state("connecting" | "live" | "lost", why)` tells
 * how it goes. Returns `stop`, which ends it as the protocols ask, `again`, for who knows that it is lost, `move`, for
 * who knows that it soon will be: it stays until another one stands; and `stats` of the connection, if there is one.
 */
export function keepConnected(call, at, resource, prepare, state) {
  const authorized = call.token ? { Authorization: `Bearer ${call.token}` } : {};
  let stopped = false;
  let peer = null;
  let location = null;
  let pause = 500;
  let leave = () => {}; // the connection that we move away from

  async function connect() {
    state("connecting");
    peer?.close();
    const through = await iceServers(call, at);
    if (stopped) return;
    const mine = (peer = new RTCPeerConnection(through));
    prepare(mine);
    mine.onconnectionstatechange = () => {
      if (mine !== peer || stopped) return;
      if (mine.connectionState === "connected") {
        pause = 500;
        leave();
        state("live");
      } else if (["failed", "closed"].includes(mine.connectionState)) again("the connection was lost");
      else if (mine.connectionState === "disconnected")
        setTimeout(() => mine === peer && mine.connectionState === "disconnected" && again("the connection was lost"), 3000);
    };
    // The server looks at no candidates of ours: it hears where we are when we reach it. So none is waited for, and those
    // that a slow TURN server gives are used when they come.
    await mine.setLocalDescription(await mine.createOffer());
    if (stopped) return;
    const response = await fetch(call.url(resource), {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...authorized },
      body: mine.localDescription.sdp,
    });
    if (!response.ok) {
      const problem = await response.json().catch(() => ({}));
      throw Object.assign(new Error(problem.detail ?? `The server answered ${response.status}.`), { status: response.status });
    }
    location = response.headers.get("Location");
    if (stopped) return hangUp(location);
    await mine.setRemoteDescription({ type: "answer", sdp: await response.text() });
  }

  async function again(why) {
    peer?.close();
    peer = null;
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

  function move() {
    if (!peer?.remoteDescription) return;
    const [old, where] = [peer, location];
    peer = null;
    leave = () => {
      leave = () => {};
      hangUp(where).finally(() => old.close());
    };
    begin();
  }

  async function hangUp(where) {
    const signal = AbortSignal.timeout(5000); // nobody waits for longer at the end of an exam
    if (where) await fetch(where, { method: "DELETE", headers: authorized, signal }).catch(() => {});
  }

  begin();
  async function stop() {
    stopped = true;
    leave();
    peer?.close();
    await hangUp(location);
  }

  return { stop, move, stats: async () => peer?.getStats(), again: (why) => peer?.remoteDescription && again(why) };
}
