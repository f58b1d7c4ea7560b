import { expect, test } from "vitest";

import { firstPicture } from "./firstPicture";

const UNKNOWN = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]; // the size of what is still being written
const element = (id: number[], content: number[]) => [...id, 0x80 | content.length, ...content];
const track = (number: number, type: number) => element([0xae], [...element([0xd7], [number]), ...element([0x83], [type])]);
const block = (number: number, ms: number) => [0x80 | number, (ms >> 8) & 0xff, ms & 0xff, 0x80, ...new Array<number>(12).fill(0xa3)];

const HEAD = [
  ...element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], [...new TextEncoder().encode("webm")])),
  ...[0x18, 0x53, 0x80, 0x67, ...UNKNOWN],
  ...element([0x16, 0x54, 0xae, 0x6b], [...track(1, 2), ...track(2, 1)]), // sound first
];
const CLUSTER = [0x1f, 0x43, 0xb6, 0x75, ...UNKNOWN, ...element([0xe7], [0x03, 0xe8])]; // at 1000 ms
const SOUND = element([0xa3], block(1, 5));
const webm = (...parts: number[][]) => new Uint8Array([...HEAD, ...parts.flat()]);

test("the first picture comes at the time of its cluster and its own in it, which may be before", () => {
  expect(firstPicture(webm(CLUSTER, SOUND, element([0xa3], block(2, 40))))).toBe(1040);
  expect(firstPicture(webm(CLUSTER, element([0xa3], block(2, -40))))).toBe(960);
});

test("a picture may lie in a group", () => {
  expect(firstPicture(webm(CLUSTER, SOUND, element([0xa0], element([0xa1], block(2, 300)))))).toBe(1300);
});

test("while there is sound alone, or only the beginning of a file, no picture has come", () => {
  expect(firstPicture(webm(CLUSTER, SOUND, SOUND))).toBeNull();
  expect(firstPicture(new Uint8Array(HEAD.slice(0, 20)))).toBeNull();
  expect(firstPicture(new Uint8Array())).toBeNull();
});
