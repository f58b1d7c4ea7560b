// How the copy on a candidate's device is kept and sent. The names stand in what is built too, so that a test can shorten them.

export const LIMITS = {
  /** How long one piece of the copy lasts. */
  pieceMs: 6000,
  /** The longest copy of each track, and the largest of both together. */
  mostMs: 30 * 60_000,
  mostBytes: 150 * 1024 * 1024,
  /** How often the server is asked what it lacks, and how soon after a connection is back: by then it knows. */
  askMs: 20_000,
  soonMs: 10_000,
  /** Between two pieces that are sent, or twice as long as one takes: the live video comes first. */
  restMs: 1000,
};
