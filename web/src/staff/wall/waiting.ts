// Who waits to be let in.

import type { Live } from "./order";

export interface Admissions {
  waiting: Live[]; // for somebody to compare their pictures, or to be seen otherwise
  later: Live[]; // who sits already, and of whom it is still to be decided
  devices: { row: Live; device: string; since: string }[]; // who asks to go on with another device
}

/** `asks` is whether this exam asks for identity at all. */
export function admissions(rows: Iterable<Live>, asks: boolean): Admissions {
  const all = [...rows].filter((row) => !row.withdrawn);
  return {
    waiting: all.filter((row) => row.identity.standing === "waiting" || (asks && spared(row))),
    later: all.filter((row) => row.identity.standing === "deferred" && "document" in row.identity.pictures && "photo" in row.identity.pictures),
    devices: all.flatMap((row) => (row.clock.ended_at ? [] : Object.entries(row.devices.asking).map(([device, since]) => ({ row, device, since })))),
  };
}

/** Whether an accommodation spares them the pictures, and everything else is done. */
function spared(row: Live): boolean {
  const route = row.allowed?.accommodation.identity_route ?? "photos";
  return route !== "photos" && row.phase === "ready" && row.identity.standing === "none";
}
