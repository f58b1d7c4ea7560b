import { expect, test } from "vitest";

import { query, read, search } from "./wanted";

test("what was not asked for is not sent, and stands in no address", () => {
  expect(query(read(""))).toEqual({});
  expect(search(read(""))).toBe("");
});

test("what was asked for is read again out of its address", () => {
  const wanted = { sort: "name", q: "Ola & Jo", severity: "high", decision: "none", unjudged: true } as const;
  expect(search(wanted)).toBe("?sort=name&q=Ola+%26+Jo&severity=high&decision=none&unjudged=true");
  expect(read(search(wanted))).toEqual(wanted);
});

test("an address that somebody made up asks for nothing", () => {
  expect(read("?sort=risk&severity=worst&decision=guilty&unjudged=perhaps")).toEqual(read(""));
});
