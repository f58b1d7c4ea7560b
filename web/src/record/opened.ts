// A record, opened by its link. The link is kept for as long as this tab lives, for when the page is loaded again.

import { client, ok, type Api, type Schemas } from "../lib/api";
import { texts } from "../lib/language";

export type Seen = Schemas["OwnRecord"];

export interface Opened {
  api: Api;
  session: string;
}

const KEPT = "vigil-record";
const t = texts(
  { none: "Open the link to your record that you were given with your receipt." },
  { none: "Öffnen Sie den Link zu Ihrer Akte, den Sie mit Ihrer Quittung bekommen haben." },
);

export async function open(): Promise<Opened> {
  const link = location.hash.slice(1) || sessionStorage.getItem(KEPT) || "";
  history.replaceState(null, "", location.pathname); // the link stays out of the history and out of screenshots
  if (!link) throw new Error(t.none);
  sessionStorage.setItem(KEPT, link);
  const opened = await ok(client().POST("/api/v1/record-link", { body: { token: link } }));
  return { api: client(opened.token), session: opened.session };
}

export async function read({ api, session }: Opened): Promise<Seen> {
  return ok(api.GET("/api/v1/sessions/{session}/own-record", { params: { path: { session } } }));
}
