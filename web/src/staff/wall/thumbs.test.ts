import { expect, test } from "vitest";

import { pictures } from "./thumbs";

function packed(session: string, jpeg: number[]): number[] {
  const view = new DataView(new ArrayBuffer(2 + session.length + 12));
  view.setUint16(0, session.length);
  [...session].forEach((letter, n) => view.setUint8(2 + n, letter.charCodeAt(0)));
  view.setFloat64(2 + session.length, 1_700_000_000_000);
  view.setUint32(2 + session.length + 8, jpeg.length);
  return [...new Uint8Array(view.buffer), ...jpeg];
}

test("a message holds pictures one after the other", () => {
  const bytes = new Uint8Array([...packed("abc", [1, 2, 3]), ...packed("de", [])]);
  expect(pictures(bytes.buffer).map(([session, jpeg]) => [session, [...jpeg]])).toEqual([
    ["abc", [1, 2, 3]],
    ["de", []],
  ]);
});
