import { expect, test } from "vitest";

import { compare, type Sealed } from "./receipt";

const seen: Sealed = {
  session: "s1",
  key_fingerprint: "k1",
  seals: [{ number: 1, kind: "complete", at: "2026-11-28T09:00:00Z", root: "aa" }],
};
const held = (more: object) => JSON.stringify({ session: "s1", key_fingerprint: "k1", seal: { number: 1, root: "aa" }, ...more });

test("a receipt of this record is told from one of another, and from what is none", () => {
  expect(compare(held({}), seen)).toMatch("Yes: seal 1");
  expect(compare(held({ session: "s2" }), seen)).toMatch("another exam");
  expect(compare(held({ seal: { number: 1, root: "bb" } }), seen)).toMatch("No: your receipt names another seal");
  expect(compare(held({ seal: { number: 2, root: "aa" } }), seen)).toMatch("No: your receipt names another seal");
  for (const text of ["", "null", "7", "[]", "{}", "\u0000PNG"]) expect(compare(text, seen)).toBe("This file is no receipt.");
});

test("a key that has been replaced is said, and is no other seal", () => {
  expect(compare(held({ key_fingerprint: "k0" }), seen)).toMatch(/^Yes: .* The key has been replaced since\.$/);
});
