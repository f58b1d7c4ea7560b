// To the clipboard, and files that this page makes itself.

/** Whether the text is on the clipboard now: a page that is not served over TLS may not write there. */
export async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

const CSV = "text/csv;charset=utf-8";

/** Saves a text as a file. One for a table begins with a mark by which programs for tables know its encoding. */
export function save(name: string, text: string, type = CSV): void {
  const address = URL.createObjectURL(new Blob([type === CSV ? "\uFEFF" : "", text], { type }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
