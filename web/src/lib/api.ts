// Calls of the API, typed by its OpenAPI document. Every error is a Problem with what the server said of it, field by field.

import createClient, { type Client } from "openapi-fetch";

import { closer, evenly, type Estimate } from "./clock";
import type { components, paths } from "./schema";
import { texts } from "./language";

export type Schemas = components["schemas"];

const said = texts(
  {
    unreachable: "The server cannot be reached. Your connection may be gone.",
    answered: (status: number) => `The server answered ${status}.`,
  },
  {
    unreachable: "Der Server ist nicht erreichbar. Vielleicht ist Ihre Verbindung weg.",
    answered: (status: number) => `Der Server hat mit ${status} geantwortet.`,
  },
);

/** What the server refused, or could not do (RFC 9457). `status` 0: nobody answered. */
export class Problem extends Error {
  readonly errors: readonly { field: string; rule: string }[];
  readonly type: string;

  constructor(
    readonly status: number,
    body: { errors?: { field: string; rule: string }[] | null; type?: string; title?: string; detail?: string | null },
  ) {
    const fields = (body.errors ?? []).map((one) => `${one.field}: ${one.rule}`);
    super(fields.length ? fields.join("; ") : body.detail || body.title || said.answered(status));
    this.errors = body.errors ?? [];
    this.type = body.type ?? "";
  }
}

/** What an answer holds. Whatever is not 2xx has been thrown as a Problem already. */
export async function ok<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

/** Every row of a list, page by page. `read` reads the page after a place, and `rows` takes its rows out of it. */
export async function all<Page extends { next?: string | null }, Row>(
  read: (after: string | undefined) => Promise<{ data?: Page }>,
  rows: (page: Page) => readonly Row[],
): Promise<Row[]> {
  const found: Row[] = [];
  for (let after: string | undefined; ; ) {
    const page = await ok(read(after));
    found.push(...rows(page));
    if (!page.next) return found;
    after = page.next;
  }
}

/** A body of which what has a default on the server is left out: the generated types ask for every field. */
export const body = <T>(given: Partial<T>): T => given as T;

export interface Api extends Client<paths> {
  /** The bearer token, or null for the cookie of a member of staff. */
  readonly token: string | null;
  /** Our clock minus the server's, in ms, as well as the quickest request of late tells. */
  skew(): number;
  /** The same by our even clock. */
  ahead(): number;
}

export function client(token: string | null = null): Api {
  let skew = 0;
  let even: Estimate = { took: Infinity, at: 0, ahead: 0 };
  const unanswered = new Map<string, string>(); // the key of each command that may have happened: asked again, it happens once
  let seen = 0; // the last position of our own commands: reads wait until they show it

  async function send(request: Request): Promise<Response> {
    const { headers, method } = request;
    headers.set("Vigil-Client-Time", new Date().toISOString());
    if (token) headers.set("Authorization", `Bearer ${token}`);
    let what = "";
    if (method === "GET") {
      if (seen) headers.set("Vigil-At-Least", String(seen));
    } else {
      const json = headers.get("Content-Type")?.startsWith("application/json");
      what = `${method} ${request.url} ${json ? await request.clone().text() : crypto.randomUUID()}`;
      const key = unanswered.get(what) ?? crypto.randomUUID();
      unanswered.set(what, key);
      headers.set("Idempotency-Key", key);
    }
    const sent = Date.now();
    const began = evenly();
    let response: Response;
    try {
      response = await fetch(request, { credentials: token ? "omit" : "same-origin" });
    } catch {
      throw new Problem(0, { detail: said.unreachable });
    }
    if (response.status < 500) unanswered.delete(what);
    const told = Date.parse(response.headers.get("Vigil-Server-Time") ?? "");
    const took = evenly() - began;
    if (told && (took < 1000 || !skew)) skew = sent + took / 2 - told;
    if (told) even = closer(even, { took, at: began, ahead: began + took / 2 - told });
    const reached = Number(response.headers.get("Vigil-Position"));
    if (method !== "GET" && reached > seen) seen = reached;
    if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
    return response;
  }

  const made = createClient<paths>({ fetch: send, baseUrl: location.origin });
  return Object.assign(made, { token, skew: () => skew, ahead: () => even.ahead });
}
