// Single keys of the wall: which does what, as chosen in this browser. They do nothing while somebody types.

export const ACTS = ["next", "take", "aside", "escalate", "warn", "chat", "pause", "undo", "mute", "search", "small", "medium", "large", "huge", "keys"] as const;
export type KeyAct = (typeof ACTS)[number];

export interface Keys {
  on: boolean;
  keys: Record<KeyAct, string>;
}

export const USUAL: Keys = {
  on: true,
  keys: { next: "n", take: "a", aside: "d", escalate: "e", warn: "w", chat: "c", pause: "p", undo: "u", mute: "m", search: "/", small: "1", medium: "2", large: "3", huge: "4", keys: "?" },
};

const KEPT = "vigil-wall-keys";

/** As they were chosen; what is kept and cannot be read is as if nothing were. */
export function kept(): Keys {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "null") as Partial<Keys> | null;
    return { on: found?.on ?? USUAL.on, keys: { ...USUAL.keys, ...found?.keys } };
  } catch {
    return USUAL;
  }
}

export function keep(keys: Keys): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify(keys));
  } catch {
    // a browser that keeps nothing for us: they hold as long as the page is open
  }
}

/** What a key does, or nothing: single keys are for nobody who types, and for no dialog. */
export function acts(keys: Keys, event: KeyboardEvent): KeyAct | null {
  if (!keys.on || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const at = event.target;
  if (at instanceof Element && at.closest("input, textarea, select, [contenteditable], [role=dialog], [role=alertdialog]") && !at.closest("input[type=checkbox]")) return null;
  return named(keys, event.key);
}

export function named(keys: Keys, key: string): KeyAct | null {
  return ACTS.find((act) => keys.keys[act] === key) ?? null;
}

/** Acts that would share a key: nobody could tell which is meant. */
export function clashes(keys: Keys): KeyAct[] {
  const used = ACTS.map((act) => keys.keys[act]).filter(Boolean);
  return ACTS.filter((act) => keys.keys[act] && used.filter((key) => key === keys.keys[act]).length > 1);
}
