// Time as this device has it: going evenly, whatever is done to its clock, and ticking also while the page is not in front.

/** In ms since 1970. */
export const now = () => performance.timeOrigin + performance.now();

export const written = (moment) => new Date(moment).toISOString();

/** Calls `work` about twice a second, until what is returned is called. */
export function ticking(work) {
  const ticks = new Worker("/assets/ticks.js");
  ticks.onmessage = work;
  return () => {
    ticks.terminate();
    ticks.onmessage = null;
  };
}
