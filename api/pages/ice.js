// Through which STUN and TURN servers media may go: asked before each connection, because credentials do not last.

/** What an RTCPeerConnection of this session is made with. With no servers it is none other than `{}`. */
export async function iceServers(call, at) {
  const told = await call.get(`${at}/ice-servers`);
  return { iceServers: told.ice_servers };
}
