// When something is due, in words, for whoever answers people's requests.

import { count, texts } from "../../lib/language";

const DAY = 24 * 3600 * 1000;

const t = texts(
  { today: "due today", late: (days: string) => `${days} overdue`, left: (days: string) => `due in ${days}`, day: "day", days: "days" },
  { today: "heute fällig", late: (days: string) => `${days} überfällig`, left: (days: string) => `fällig in ${days}`, day: "Tag", days: "Tagen" },
);

export interface Due {
  due_at?: string | null;
  answered_at?: string | null;
}

/** "3 days overdue", "due today", "due in 12 days"; "" for what is answered. */
export function due(request: Due, now: number): string {
  if (request.answered_at || !request.due_at) return "";
  const left = Date.parse(request.due_at) - now;
  const days = count(Math.ceil(Math.abs(left) / DAY), t.day, t.days);
  if (left < 0) return t.late(days);
  return left < DAY ? t.today : t.left(days);
}

export const overdue = (request: Due, now: number): boolean => !request.answered_at && Boolean(request.due_at) && Date.parse(request.due_at ?? "") < now;

/** What is due first comes first, and so what is overdue; what is answered comes last. */
export function inOrder<R extends Due & { received_at?: string | null }>(requests: readonly R[]): R[] {
  const key = (one: R) => (one.answered_at ? 8.64e15 : Date.parse(one.due_at ?? "") || 0);
  return [...requests].sort((a, b) => key(a) - key(b) || (b.answered_at ?? "").localeCompare(a.answered_at ?? ""));
}
