import { expect, test } from "vitest";

import { consistent, fingerprintOf, fromBase64, fromHex, included, leafOf, microseconds, parsed, signedBy, toHex } from "./proof";
import { consistency, inclusion, known } from "./vectors.test-data";

const root = (size: number) => known.roots[size] ?? "";
const leaf = (index: number) => fromHex(known.leaves[index] ?? "");
const fake = "00".repeat(32);

test("the root of the known leaves is the one of Certificate Transparency", () => {
  expect(root(8)).toBe("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
});

test("every leaf is proven, and nothing that was changed is", async () => {
  for (const [index, size, path] of inclusion) {
    expect(await included(leaf(index), index, size, path, root(size))).toBe(true);
    expect(await included(fromHex(fake), index, size, path, root(size))).toBe(false);
    expect(await included(leaf(index), index, size, path, fake)).toBe(false);
    expect(await included(leaf(index), index, size, [...path, fake], root(size))).toBe(false);
    expect(await included(leaf(index), size, size, path, root(size))).toBe(false);
    if (path.length) expect(await included(leaf(index), index, size, path.slice(1), root(size))).toBe(false);
  }
});

test("a tree begins with each smaller one, and with no other", async () => {
  for (const [older, newer, path] of consistency) {
    const [old, now] = [{ size: older, root: root(older) }, { size: newer, root: root(newer) }];
    expect(await consistent(old, now, path)).toBe(true);
    expect(await consistent({ ...old, root: fake }, now, path)).toBe(false);
    expect(await consistent(old, { ...now, root: fake }, path)).toBe(false);
    expect(await consistent(old, now, [...path, fake])).toBe(false);
  }
  expect(await consistent({ size: 0, root: "" }, { size: 8, root: root(8) }, [])).toBe(false);
  expect(await consistent({ size: 8, root: root(8) }, { size: 7, root: root(7) }, [])).toBe(false);
});

test("an event's leaf is made of what is stored of it, to the microsecond", async () => {
  expect(toHex(await leafOf(known.event))).toBe(known.leaf);
  expect(toHex(await leafOf({ ...known.event, recorded_at: "2026-03-04T05:06:07.890124Z" }))).not.toBe(known.leaf);
  expect(microseconds("2026-03-04T05:06:07Z")).toBe(BigInt(Date.UTC(2026, 2, 4, 5, 6, 7)) * 1000n);
  expect(microseconds("2026-03-04T05:06:07.5Z") % 1_000_000n).toBe(500_000n);
});

test("a note is read, and its signature checked", async () => {
  expect(parsed(known.note)).toMatchObject({ origin: "vigil.example.org/ledger", size: 8, root: root(8) });
  expect(await signedBy(known.note, [known.key])).toBe(true);
  expect(await signedBy(known.note.replace("\n8\n", "\n7\n"), [known.key])).toBe(false);
  expect(await signedBy(known.note, [])).toBe(false);
  expect(await fingerprintOf(fromBase64(known.key))).toBe(known.fingerprint);
  for (const wrong of ["", "a\n\n", "origin\n8\n\n", known.note.replace("— ", "- ")]) expect(() => parsed(wrong)).toThrow();
});
