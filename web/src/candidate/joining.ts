// An exam, opened by its link, on the device that this browser is.

import { client, ok, type Api, type Schemas } from "../lib/api";
import { texts } from "../lib/language";
import { keepContact } from "./contact.svelte";

const KEPT = "vigil-link";
const t = texts({ none: "Open the link that you were sent." }, { none: "Öffnen Sie den Link, den Sie bekommen haben." });

export interface Opened {
  api: Api;
  joined: Schemas["Joined"];
}

let link = "";

export async function open(): Promise<Opened> {
  link = location.hash.slice(1) || link || kept();
  history.replaceState(null, "", location.pathname); // the link stays out of the history and out of screenshots
  if (!link) throw new Error(t.none);
  keep(link); // for when this page is loaded again, whatever comes of this try
  const joined = await ok(client().POST("/api/v1/join", { body: { token: link, device: deviceKey() } }));
  keepContact(joined);
  return { api: client(joined.token), joined };
}

function kept(): string {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return ""; // a browser that keeps nothing: the link is opened again
  }
}

function keep(link: string): void {
  try {
    sessionStorage.setItem(KEPT, link);
  } catch {
    // as above
  }
}

let fallback = ""; // where a browser keeps nothing

/** A key of this browser's own, the same whenever it comes again. */
function deviceKey(): string {
  try {
    let key = localStorage.getItem("vigil-device");
    if (!key) localStorage.setItem("vigil-device", (key = fresh()));
    return key;
  } catch {
    return (fallback ||= fresh());
  }
}

function fresh(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
