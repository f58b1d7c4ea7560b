// Texts that are ready: chosen by their label, read before they are sent, and sent as the server has them then.

import { all, type Schemas } from "../../lib/api";
import { api } from "../me.svelte";

export const canned: { texts: Schemas["CannedRow"][] } = $state({ texts: [] });

/** Looks again what there is. Where that fails, what was there before stays. */
export async function ready(): Promise<void> {
  try {
    canned.texts = await all((after) => api.GET("/api/v1/canned-messages", { params: { query: { after } } }), (page) => page.canned_messages);
  } catch {
    // one can write as well
  }
}
