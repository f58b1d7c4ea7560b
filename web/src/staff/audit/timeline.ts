// The events of a session as an auditor goes through them: what is shown of them, and what of that is proven.

import type { Schemas } from "../../lib/api";
import { eventName } from "./names";
import { fromBase64, included, leafOf, toHex, type Found } from "./proof";
import { textOf, told, type Reading } from "./told";

export type Shown = Schemas["Shown"];
type Proven = Schemas["ProvenEvent"];

/** "session.started" is "session: started". */
export function sentence(tag: string): string {
  const [kind = "", what = ""] = tag.split(".");
  return `${eventName(kind)}: ${eventName(what)}`;
}

export const kindOf = (event: Shown): string => event.tag.split(".")[0] ?? "";

/** Who did it, by name; of what Vigil does by itself, which part of it did. */
export const by = (event: Shown): string => event.actor_name ?? event.actor.replace(/^system\/(.+)$/, "Vigil ($1)");

/** What the ids in a session's events stand for, as far as the events themselves tell. */
export function peopleOf(events: readonly Shown[]): Map<string, string> {
  return new Map(events.map((event) => [event.actor, by(event)]));
}

export interface Wanted {
  kind: string;
  actor: string;
  text: string;
}

/** Those of a kind, by somebody, with a text anywhere in what is shown of them. Of what is empty, all. */
export function chosen(events: readonly Shown[], { kind, actor, text }: Wanted, reading: Reading): Shown[] {
  const low = text.trim().toLowerCase();
  return events.filter(
    (event) =>
      (!kind || kindOf(event) === kind) &&
      (!actor || event.actor === actor) &&
      (!low || `${sentence(event.tag)} ${by(event)} ${textOf(told(event.body, reading))} ${event.position}`.toLowerCase().includes(low)),
  );
}

/** How long a replay waits before the next event, in ms: the time between them, at most 4 s, sped up. */
export function pause(before: Shown, after: Shown, speed: number): number {
  const apart = Date.parse(after.recorded_at) - Date.parse(before.recorded_at);
  return Math.max(60, Math.min(apart, 4000 * speed) / speed);
}

export interface Checked {
  /** Whether the event is under the checkpoint, and shown as it is stored. */
  holds: Found;
  /** The position of the event that this one answers. */
  causation: number | null;
}

/** Whether what is shown is what is stored: of what is sealed, the stored bytes alone are under the proof. */
export function asStored(event: Shown, state: string): { same: boolean; causation: number | null } {
  const stored = JSON.parse(new TextDecoder().decode(fromBase64(state))) as {
    envelope: { actor: string; causation?: number | null };
    event: Record<string, unknown>;
  };
  const told = Object.entries(stored.event).filter(([name, value]) => name !== "type" && !sealed(value));
  const same =
    stored.event.type === event.tag &&
    stored.envelope.actor === event.actor &&
    told.every(([name, value]) => !(name in event.body) || canonical(value) === canonical(event.body[name]));
  return { same, causation: stored.envelope.causation ?? null };
}

/** Checks one event under the root of a checkpoint. `holds` is null where its bytes are archived, and only its hash is proven. */
export async function check(event: Shown, proof: Proven, head: { size: number; root: string }): Promise<Checked> {
  const hash = Uint8Array.from(proof.hash.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const under = await included(hash, proof.index, head.size, proof.path, head.root);
  if (!proof.state) return { holds: under && null, causation: null };
  const { same, causation } = asStored(event, proof.state);
  const fits = proof.stream === event.stream && proof.tag === event.tag && proof.recorded_at === event.recorded_at;
  return { holds: under && same && fits && toHex(await leafOf(proof)) === proof.hash, causation };
}

function sealed(value: unknown): boolean {
  return typeof value === "object" && value !== null && "sealed" in value && "commitment" in value;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner && typeof inner === "object" && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort()) : inner,
  );
}
