// Who is signed in, and what they may open. One client for all pages of the staff.

import { Problem, client, ok, type Schemas } from "../lib/api";

export const api = client();

type Me = Schemas["Me"];
export type Role = Me["roles"][number];

let who = $state<Me | null>(null);

export const me = {
  /** None while nobody is signed in. */
  get now(): Me | null {
    return who;
  },
  is(...roles: Role[]): boolean {
    return who !== null && who.roles.some((role) => roles.includes(role));
  },
};

/** Asks who is signed in. Nobody is no error. */
export async function recall(): Promise<void> {
  try {
    who = await ok(api.GET("/api/v1/me"));
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    who = null;
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  await api.POST("/api/v1/sign-in", { body: { email, password, keep: "cookie" } });
  await recall();
}

export async function signOut(): Promise<void> {
  await api.POST("/api/v1/sign-out");
  who = null;
}
