// Why something is not granted, not wholly, or withheld: the articles of the GDPR, in the words of domain/grounds.py.

import type { Schemas } from "../../lib/api";
import { texts } from "../../lib/language";

export type Ground = NonNullable<Schemas["NewRefusal"]["ground"]>;

const said = texts(
  {
    "11(2)": "the person cannot be found in what is held", "12(2)": "nobody could say that it is this person who asks",
    "12(5)(b)": "the request is manifestly unfounded or excessive", "15(4)": "the rights and freedoms of others", "16": "what is held is right",
    "17(3)(b)": "a legal obligation, or a task in the public interest", "17(3)(d)": "archiving, research or statistics",
    "17(3)(e)": "the establishment, exercise or defence of legal claims", "18(1)": "none of the cases in which processing is restricted",
    "21(1)": "compelling legitimate grounds",
  },
  {
    "11(2)": "die Person ist in den Daten nicht zu finden", "12(2)": "es war nicht festzustellen, dass diese Person fragt",
    "12(5)(b)": "offenkundig unbegründet oder exzessiv", "15(4)": "Rechte und Freiheiten anderer", "16": "was gespeichert ist, stimmt",
    "17(3)(b)": "rechtliche Verpflichtung oder öffentliche Aufgabe", "17(3)(d)": "Archiv, Forschung oder Statistik",
    "17(3)(e)": "Geltendmachung oder Abwehr von Rechtsansprüchen", "18(1)": "keiner der Fälle einer Einschränkung",
    "21(1)": "zwingende schutzwürdige Gründe",
  },
) satisfies Record<Ground, string>;

export const GROUNDS = Object.entries(said) as [Ground, string][];
