// The texts of the pages, apart from the pages: each file keeps its own in every language, and the types hold them together.

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = "vigil-language";

function chosen(): Language {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(KEPT);
  } catch {
    // a browser that keeps nothing for us: it has a language all the same
  }
  const wanted = [kept, ...(globalThis.navigator?.languages ?? [])].map((tag) => tag?.slice(0, 2));
  return (wanted.find((tag) => tag !== undefined && tag in LANGUAGES) as Language | undefined) ?? "en";
}

export const language: Language = chosen();

/** For dates and numbers: as this browser writes the language, British or American. */
export const locale = (globalThis.navigator?.languages ?? []).find((tag) => tag.startsWith(language)) ?? language;

/** Shows everything in another language, from now on and in this browser. */
export function speak(wanted: Language): void {
  localStorage.setItem(KEPT, wanted);
  location.reload();
}

type Wider<T> = T extends string ? string : T extends (...given: infer G) => string ? (...given: G) => string : { [K in keyof T]: Wider<T[K]> };

/** The texts of one file in the language of this browser: `const t = texts({ save: "Save" }, { save: "Speichern" })`. */
export function texts<const T>(en: T, de: Wider<T>): Wider<T> {
  return language === "de" ? de : (en as Wider<T>);
}

const plurals = new Intl.PluralRules(language);

/** `count(3, "candidate", "candidates")` is "3 candidates". */
export function count(n: number, one: string, other: string): string {
  return `${n} ${plurals.select(n) === "one" ? one : other}`;
}
