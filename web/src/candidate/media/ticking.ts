// What goes on also while the page is not in front.

/** Calls `work` about twice a second, until what is returned is called. */
export function ticking(work: () => void): () => void {
  const ticks = new Worker(new URL("./ticks.worker.ts", import.meta.url), { type: "module" });
  ticks.onmessage = work;
  return () => {
    ticks.terminate();
    ticks.onmessage = null;
  };
}

/** A moment of the even clock, as the server reads it. */
export const written = (moment: number): string => new Date(moment).toISOString();
