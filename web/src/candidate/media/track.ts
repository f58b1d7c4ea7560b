/** What is recorded of a candidate. */
export type Track = "camera" | "screen";
