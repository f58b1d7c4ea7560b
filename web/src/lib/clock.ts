// Time as this device has it: going evenly, whatever is done to its clock.

/** In ms since 1970. */
export const evenly = (): number => performance.timeOrigin + performance.now();

const DRIFT = 1e-4; // no two clocks go apart faster

export interface Estimate {
  /** How long the request took, in ms: the estimate is wrong by half of it at most. */
  took: number;
  /** When it was made, by our even clock. */
  at: number;
  /** Our clock minus the server's, in ms. */
  ahead: number;
}

/** Of two estimates the better one: the newer one only if it is as sure, or if both cannot be true. */
export function closer(old: Estimate, fresh: Estimate): Estimate {
  const drift = DRIFT * (fresh.at - old.at);
  const apart = Math.abs(fresh.ahead - old.ahead) > (fresh.took + old.took) / 2 + drift; // this machine has slept
  return fresh.took <= old.took + drift || apart ? fresh : old;
}
