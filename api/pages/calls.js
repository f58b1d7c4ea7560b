// Calls of the API. Every error is a Problem with what the server said of it, field by field.

import { now } from "/assets/evenly.js";

const API = "/api/v1";
const DRIFT = 1e-4; // no two clocks go apart faster

export class Problem extends Error {
  constructor(status, body) {
    const fields = (body.errors ?? []).map((e) => `${e.field}: ${e.rule}`);
    super(fields.length ? fields.join("; ") : body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.errors = body.errors ?? [];
    this.type = body.type ?? "";
  }
}

/** Of two estimates of how far we are ahead the better one: the newer one only if it is as sure, or if both cannot be true. */
function closer(old, fresh) {
  const drift = DRIFT * (fresh.at - old.at);
  const apart = Math.abs(fresh.ahead - old.ahead) > (fresh.took + old.took) / 2 + drift; // this machine has slept
  return fresh.took <= old.took + drift || apart ? fresh : old;
}

/** A client. `token` is a bearer token, or null for the cookie of a member of staff. */
export function client(token = null) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let skew = 0; // our clock minus the server's, in ms, as well as the time of a request tells
  let even = { took: Infinity, at: 0, ahead: 0 }; // the same by our even clock, by the quickest request of late
  const unanswered = new Map(); // the key of each command that may have happened: asked again, it happens once
  let seen = 0; // the last position of our own commands: reads wait until they show it

  async function send(method, path, body, more = {}) {
    const own = { ...headers, "Vigil-Client-Time": new Date().toISOString(), ...more };
    if (seen && method === "GET") own["Vigil-At-Least"] = String(seen);
    const file = body instanceof Blob; // is sent as it is
    const content = body === undefined || file ? body : JSON.stringify(body);
    const what = `${method} ${path} ${file ? `${body.name} ${body.size}` : content}`;
    if (method !== "GET") {
      own["Idempotency-Key"] = unanswered.get(what) ?? crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
      unanswered.set(what, own["Idempotency-Key"]);
    }
    if (content !== undefined) own["Content-Type"] = file ? "application/octet-stream" : "application/json";
    let response;
    const sent = Date.now();
    const began = now();
    try {
      response = await fetch(API + path, {
        method,
        headers: own,
        body: content,
        credentials: token ? "omit" : "same-origin",
      });
    } catch {
      throw new Problem(0, { detail: "The server cannot be reached. Your connection may be gone." });
    }
    if (response.status < 500) unanswered.delete(what);
    const told = Date.parse(response.headers.get("Vigil-Server-Time"));
    const took = now() - began;
    if (told && (took < 1000 || !skew)) skew = sent + took / 2 - told;
    if (told) even = closer(even, { took, at: began, ahead: began + took / 2 - told });
    const reached = Number(response.headers.get("Vigil-Position"));
    if (method !== "GET" && reached > seen) seen = reached;
    const text = await response.text();
    let parsed = null;
    try {
      parsed = text ? JSON.parse(text) : null;
    } catch {
      parsed = null;
    }
    if (!response.ok) throw new Problem(response.status, parsed ?? {});
    return parsed;
  }

  /** Every row of a list, page by page; what else the answer says is of the last one. */
  async function all(path, field) {
    let answer = {};
    const rows = [];
    do {
      const next = answer.next ? `${path.includes("?") ? "&" : "?"}after=${encodeURIComponent(answer.next)}` : "";
      answer = await send("GET", path + next);
      rows.push(...answer[field]);
    } while (answer.next);
    return { ...answer, [field]: rows };
  }

  return {
    token,
    skew: () => skew,
    ahead: () => even.ahead,
    url: (path) => API + path,
    get: (path) => send("GET", path),
    all,
    post: (path, body) => send("POST", path, body),
    put: (path, body) => send("PUT", path, body),
    patch: (path, body) => send("PATCH", path, body),
    delete: (path) => send("DELETE", path),
  };
}
