import { expect, test } from "vitest";

import { asCsv, csvOf } from "./rows";

test("what is copied from a sheet becomes CSV, with a header where none was", () => {
  expect(asCsv("12\tOla Nordmann\n13\tBell, Jo\tjo@example.org")).toEqual({
    csv: 'number,name,email\n12,Ola Nordmann\n13,"Bell, Jo",jo@example.org',
    added: 1,
  });
});

test("a file with a header stays as it is, whatever the order and the comma", () => {
  expect(asCsv("\uFEFFName;Number\nOla;12")).toEqual({ csv: "Name;Number\nOla;12", added: 0 });
  expect(asCsv("12;Ola").csv).toBe("number;name;email\n12;Ola");
});

test("what goes out is quoted, and nothing in it is a formula", () => {
  expect(csvOf([["name", "link"], ["=Ola", 'a"b,c']])).toBe('name,link\r\n\'=Ola,"a""b,c"');
});
