// The details of an event as people read them: words for names, moments in the exam's zone, and short what only machines read.

import { texts } from "../../lib/language";
import { duration, secondTime } from "../../lib/time";
import { words } from "../../texts/words";
import { RISKS } from "../wall/said";
import { fieldName } from "./names";

const t = texts(
  { yes: "yes", no: "no", absent: "not given, or erased" },
  { yes: "ja", no: "nein", absent: "nicht angegeben oder gelöscht" },
);

/** One of the details: a value, which may be short for the `whole` of it, or the details that lie `inside`. */
export interface Detail {
  name: string;
  value: string;
  whole: string;
  inside: Detail[];
}

export interface Reading {
  zone: string;
  /** What ids stand for, as far as that is known: people by their names. */
  known: ReadonlyMap<string, string>;
}

type Fields = Readonly<Record<string, unknown>>;

const SAID = new Set(["text", "reason", "note", "objects"]); // what somebody wrote: nothing of it is changed
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;
const WORD = /^[a-z][a-z_]*$/;
const BELOW = /^\w{24}\.(\w{24})$/; // an id of a session, and one that lies below it
const LONG = 24; // letters; names that machines give are as long as that, or longer
const SHORT = 12;

/** What is in an event beside its tag and the time it was recorded. Of what is null, only the names are told. */
export function told(body: Fields, reading: Reading): Detail[] {
  const fields = Object.fromEntries(Object.entries(body).filter(([name]) => name !== "at"));
  const absent = Object.keys(fields).filter((name) => fields[name] === null).map(fieldName);
  return [...inside(fields, reading), ...(absent.length ? [plain(t.absent, absent.join(", "))] : [])];
}

/** All that these details say, as one text to search in. */
export function textOf(details: readonly Detail[]): string {
  return details.map((one) => `${one.name} ${one.value} ${one.whole} ${textOf(one.inside)}`).join(" ");
}

function inside(fields: Fields, reading: Reading): Detail[] {
  return Object.entries(fields).filter(([, value]) => !empty(value)).map(([name, value]) => detail(name, value, reading));
}

function detail(name: string, value: unknown, reading: Reading): Detail {
  if (Array.isArray(value)) return list(name, value, reading);
  if (isObject(value)) return { ...plain(fieldName(name), ""), inside: inside(value, reading) };
  return { ...plain(fieldName(name), ""), ...scalar(name, value, reading) };
}

/** A list in one line where that tells all of it, else one line for each of its items. */
function list(name: string, values: readonly unknown[], reading: Reading): Detail {
  const items = values.map((value, n) => detail(String(n + 1), value, reading));
  const short = items.every((item) => !item.whole && item.inside.length < 2 && item.inside.every(isPlain));
  const lines = items.map(inLine);
  return short ? plain(fieldName(name), lines.map((item) => item.value).join(", ")) : { ...plain(fieldName(name), ""), inside: lines };
}

/** An item of a list, in one line where that tells all of it. */
function inLine(item: Detail): Detail {
  if (!item.inside.length || !item.inside.every(isPlain)) return item;
  const [only, ...others] = item.inside.map((one) => one.value);
  return plain(item.name, others.length ? item.inside.map((one) => `${one.name} ${one.value}`).join(", ") : (only ?? ""));
}

function scalar(name: string, value: unknown, { zone, known }: Reading): { value: string; whole?: string } {
  if (typeof value === "boolean") return { value: value ? t.yes : t.no };
  if (typeof value === "number") return { value: amount(name, value) };
  const text = String(value);
  if (SAID.has(name)) return { value: text };
  if (name === "severity" && text in RISKS) return { value: RISKS[text as keyof typeof RISKS].word };
  if (known.has(text)) return { value: known.get(text) ?? text };
  if (MOMENT.test(text)) return { value: secondTime(text, zone) };
  if (/\n/.test(text) || (text.length >= LONG && !/\s/.test(text))) return { value: shortOf(text), whole: text };
  return { value: WORD.test(text) ? words(text) : text };
}

function amount(name: string, value: number): string {
  if (name.endsWith("_ms")) return `${value} ms`;
  if (name !== "seconds" && !name.endsWith("_s")) return String(value);
  return value < 60 ? `${value} s` : duration(value);
}

/** The first line; the end of an address, or of an id that lies below a session's; else how it begins. */
function shortOf(text: string): string {
  const [line = ""] = text.split("\n");
  const last = line.slice(line.lastIndexOf("/") + 1);
  if (last.length < line.length && last.length < LONG) return `…/${last}`;
  return `${(BELOW.exec(line)?.[1] ?? line).slice(0, SHORT)}…`;
}

const plain = (name: string, value: string): Detail => ({ name, value, whole: "", inside: [] });
const isPlain = (one: Detail) => !one.whole && !one.inside.length;
const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

function empty(value: unknown): boolean {
  return value === null || value === "" || (typeof value === "object" && !Object.keys(value).length);
}
