/** Signing in with what the address brought: a token (`?token=`) or a one-time code (`#code=`), by a POST (X1, X6).
 *
 * The server trades most tokens before the page is there; the rest, and all codes, come here. Both leave the address. */

import { ApiError, api } from "../api";

export interface Arrival {
  brought: boolean;
  /** Why it does not sign in, and what to do. */
  problem: string | null;
}

const NOT_KNOWN = "This token is not known here. Copy the address again.";
const SPENT =
  "This page was opened with a code that was used or is too old. Run the command again, or paste the token here.";

const NOTHING: Arrival = { brought: false, problem: null };

let arrival: Promise<Arrival> | null = null;

/** Once for a page, however often it is called; again where the server did not answer, which is thrown. */
export function arrive(): Promise<Arrival> {
  arrival ??= signIn().catch((error) => {
    arrival = null;
    throw error;
  });
  return arrival;
}

/** Somebody is signed in: what the address brought is no matter any more. */
export function arrived(): Arrival {
  arrival = Promise.resolve(NOTHING);
  return NOTHING;
}

async function signIn(): Promise<Arrival> {
  const address = new URL(location.href);
  const hash = new URLSearchParams(address.hash.slice(1));
  const token = address.searchParams.get("token");
  const code = hash.get("code");
  if (token === null && code === null) return NOTHING;
  let problem: string | null = null;
  try {
    await api.login(token === null ? { code: code ?? "" } : { token });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 0) throw error;
    problem = error.status === 401 || error.status === 422 ? (token === null ? SPENT : NOT_KNOWN) : error.message;
  }
  address.searchParams.delete("token");
  hash.delete("code");
  address.hash = hash.toString();
  history.replaceState(null, "", address);
  return { brought: true, problem };
}
