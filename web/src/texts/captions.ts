// What a picture of an incident was kept for.

import type { Schemas } from "../lib/api";
import { texts } from "../lib/language";

const said = texts(
  { first: "The first picture that shows it", best: "The clearest picture", last: "The last picture that shows it", other: "A picture of it" },
  { first: "Das erste Bild, das es zeigt", best: "Das deutlichste Bild", last: "Das letzte Bild, das es zeigt", other: "Ein Bild davon" },
);

export const caption = (role: Schemas["Picture"]["role"]): string => said[role ?? "other"];
