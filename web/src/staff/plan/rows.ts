// Candidates as they are pasted from a sheet, made into the CSV that the API reads.

export interface Pasted {
  csv: string;
  /** How many rows were put before the first one: the answers count them. */
  added: number;
}

const COLUMNS = ["number", "name", "email"];

/** Tabs become commas, and where no row names the columns they are number, name and e-mail address in that order. */
export function asCsv(text: string): Pasted {
  const clean = text.replace(/^\uFEFF/, "").replace(/^[\r\n]+/, "");
  const csv = clean.includes("\t") ? clean.split(/\r?\n/).map((line) => line.split("\t").map(quoted).join(",")).join("\n") : clean;
  const [first = ""] = csv.split(/\r?\n/, 1);
  const named = first.split(/[,;]/).map((field) => field.trim().replaceAll('"', "").toLowerCase());
  if (named.includes("number") || named.includes("name")) return { csv, added: 0 };
  const comma = first.split(";").length > first.split(",").length ? ";" : ",";
  return { csv: `${COLUMNS.join(comma)}\n${csv}`, added: 1 };
}

/** A table of texts as CSV (RFC 4180). */
export function csvOf(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map((field) => quoted(safe(field))).join(",")).join("\r\n");
}

function quoted(field: string): string {
  return /[",;\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** No sheet takes a name for a formula. */
function safe(field: string): string {
  return /^[=+\-@\t]/.test(field) ? `'${field}` : field;
}
