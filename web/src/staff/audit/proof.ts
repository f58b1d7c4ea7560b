// Checks of what the ledger proves, made in this browser: RFC 9162 paths, and Ed25519 signatures of checkpoints (C2SP signed notes).

const text = new TextEncoder();

/** A check says what it found; null where this browser cannot tell. */
export type Found = boolean | null;

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromBase64(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function sha256(...parts: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

const node = (left: Uint8Array, right: Uint8Array) => sha256(Uint8Array.of(1), left, right);
const same = (a: Uint8Array, b: Uint8Array) => toHex(a) === toHex(b);

export interface StoredEvent {
  stream: string;
  version: number;
  tag: string;
  /** As the API writes it: RFC 3339 in UTC, with up to six digits of a second. */
  recorded_at: string;
  /** Base64 of the bytes as they lie in the ledger. */
  state: string;
}

function big(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value);
  return bytes;
}

/** Microseconds since 1970 of a moment that is written with up to six digits of a second. */
export function microseconds(moment: string): bigint {
  const digits = /\.(\d+)/.exec(moment)?.[1] ?? "";
  const whole = Date.parse(moment.replace(/\.\d+/, ""));
  return BigInt(whole) * 1000n + BigInt(digits.slice(0, 6).padEnd(6, "0"));
}

/** The hash of an event's leaf (docs/export-format.md), from what is stored of it. */
export async function leafOf(event: StoredEvent): Promise<Uint8Array> {
  const parts = [
    text.encode(event.stream), big(BigInt(event.version)), text.encode(event.tag), big(microseconds(event.recorded_at)),
    fromBase64(event.state),
  ];
  const framed = parts.flatMap((part) => [big(BigInt(part.length)).slice(4), part]);
  return sha256(Uint8Array.of(0), text.encode("vigil/event/1"), ...framed);
}

/** Whether the path shows that the leaf stands at `index` in the tree with this root (RFC 9162, section 2.1.3.2). */
export async function included(leaf: Uint8Array, index: number, size: number, path: readonly string[], root: string): Promise<boolean> {
  if (!(index >= 0 && index < size)) return false;
  let hash = leaf;
  let place = BigInt(index);
  let last = BigInt(size) - 1n;
  for (const sibling of path.map(fromHex)) {
    if (last === 0n) return false;
    if (place & 1n || place === last) {
      hash = await node(sibling, hash);
      while (place && !(place & 1n)) [place, last] = [place >> 1n, last >> 1n];
    } else {
      hash = await node(hash, sibling);
    }
    [place, last] = [place >> 1n, last >> 1n];
  }
  return last === 0n && toHex(hash) === root;
}

/** Whether the path shows that the tree of `newer` leaves begins with that of `older` (RFC 9162, section 2.1.4.2). */
export async function consistent(
  older: { size: number; root: string },
  newer: { size: number; root: string },
  path: readonly string[],
): Promise<boolean> {
  if (older.size === newer.size) return path.length === 0 && older.root === newer.root;
  if (!(older.size > 0 && older.size < newer.size)) return false;
  const power = (older.size & (older.size - 1)) === 0;
  const [first, ...rest] = (power ? [older.root, ...path] : [...path]).map(fromHex);
  if (!first) return false;
  let place = BigInt(older.size) - 1n;
  let last = BigInt(newer.size) - 1n;
  while (place & 1n) [place, last] = [place >> 1n, last >> 1n];
  let before = first;
  let after = first;
  for (const sibling of rest) {
    if (last === 0n) return false;
    if (place & 1n || place === last) {
      [before, after] = [await node(sibling, before), await node(sibling, after)];
      while (place && !(place & 1n)) [place, last] = [place >> 1n, last >> 1n];
    } else {
      after = await node(after, sibling);
    }
    [place, last] = [place >> 1n, last >> 1n];
  }
  return last === 0n && toHex(before) === older.root && toHex(after) === newer.root;
}

export interface Head {
  origin: string;
  size: number;
  /** Hex. */
  root: string;
}

/** What a signed note says, unchecked. Throws for what is no checkpoint. */
export function parsed(note: string): Head & { signed: string; signatures: { name: string; bytes: Uint8Array<ArrayBuffer> }[] } {
  const cut = note.lastIndexOf("\n\n");
  const signed = note.slice(0, cut + 1);
  const [origin, size, root] = signed.split("\n");
  if (cut < 0 || !origin || !root || !/^(0|[1-9]\d{0,15})$/.test(size ?? "")) throw new Error("no checkpoint");
  const signatures = note.slice(cut + 2).trimEnd().split("\n").map((line) => {
    const found = /^— (\S+) ([A-Za-z0-9+/]+=*)$/.exec(line);
    if (!found?.[1] || !found[2]) throw new Error("no checkpoint");
    return { name: found[1], bytes: fromBase64(found[2]) };
  });
  return { origin, size: Number(size), root: toHex(fromBase64(root)), signed, signatures };
}

export async function fingerprintOf(key: Uint8Array): Promise<string> {
  return toHex(await sha256(key));
}

/** Whether one of these keys (32 bytes in base64) has signed the note; null in a browser without Ed25519. */
export async function signedBy(note: string, keys: readonly string[]): Promise<Found> {
  const { origin, signed, signatures } = parsed(note);
  for (const raw of keys.map(fromBase64)) {
    const hint = (await sha256(text.encode(`${origin}\n`), Uint8Array.of(1), raw)).slice(0, 4);
    let key: CryptoKey;
    try {
      key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    } catch {
      return null;
    }
    for (const { name, bytes } of signatures) {
      if (name !== origin || !same(bytes.slice(0, 4), hint)) continue;
      if (await crypto.subtle.verify({ name: "Ed25519" }, key, bytes.slice(4), text.encode(signed))) return true;
    }
  }
  return false;
}
