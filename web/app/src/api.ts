/** The HTTP API, relative to the page, so that it works under any prefix. */

import type {
  BrowserList,
  ErrorAnswer,
  Frame,
  LoginBody,
  ProfileList,
  Project,
  ProjectCreate,
  ProjectList,
  Reach,
  Recording,
  RecordingList,
  SearchAnswer,
  Session,
  SessionCreate,
  SessionPatch,
  Timeline,
} from "@termwall/client";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null,
  ) {
    super(message);
  }
}

/** How often a call is made again, a second later each time, that came when too many others did: it was not handled. */
const RATE_TRIES = 5;

async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
  tries = RATE_TRIES,
): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(new URL(`api/${path}`, document.baseURI), {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch {
    throw new ApiError(0, "disconnected", "The server does not answer.", null);
  }
  if (answer.status === 204) return undefined as T;
  if (answer.status === 429 && answer.headers.has("retry-after") && tries > 0) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return call(method, path, body, signal, tries - 1);
  }
  const json: unknown = await answer.json().catch(() => ({}));
  if (answer.ok) return json as T;
  throw refusal(answer.status, json as Partial<ErrorAnswer>);
}

function refusal(status: number, problem: Partial<ErrorAnswer>): ApiError {
  const sentence = problem.error ?? `The server answered ${status}.`;
  return new ApiError(status, problem.code ?? "internal", sentence, problem.field ?? null);
}

/** Bytes of a part of a recording, from one to before another; none beyond its end. */
export async function castBytes(
  id: string,
  part: number,
  from: number,
  to: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const place = new URL(`api/recordings/${encodeURIComponent(id)}/cast?part=${part}`, document.baseURI);
  const answer = await fetch(place, { signal, headers: { range: `bytes=${from}-${to - 1}` } });
  if (answer.status === 416) return new Uint8Array();
  if (!answer.ok) throw refusal(answer.status, (await answer.json().catch(() => ({}))) as Partial<ErrorAnswer>);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return answer.status === 206 ? bytes : bytes.subarray(from, to); // A proxy may not know ranges.
}

/** Where a whole recording is, as one file. */
export const castUrl = (id: string) => `api/recordings/${encodeURIComponent(id)}/cast`;

const one = (id: string) => `sessions/${encodeURIComponent(id)}`;

export const api = {
  reach: (clientId: string, signal: AbortSignal) =>
    call<Reach>("GET", `reach?${new URLSearchParams({ clientId, origin: location.origin })}`, undefined, signal),
  login: (shown: LoginBody) => call<void>("POST", "login", shown),
  logout: () => call<void>("POST", "logout", {}),
  browsers: () => call<BrowserList>("GET", "browsers"),
  endBrowser: (id: string) => call<void>("DELETE", `browsers/${encodeURIComponent(id)}`),
  projects: () => call<ProjectList>("GET", "projects"),
  createProject: (path: string) => call<Project>("POST", "projects", { path } satisfies ProjectCreate),
  profiles: () => call<ProfileList>("GET", "profiles"),
  create: (project: string, session: SessionCreate) =>
    call<Session>("POST", `projects/${encodeURIComponent(project)}/sessions`, session),
  session: (id: string) => call<Session>("GET", one(id)),
  rename: (id: string, name: string) => call<Session>("PATCH", one(id), { name } satisfies SessionPatch),
  restart: (id: string) => call<Session>("POST", `${one(id)}/restart`, {}),
  reset: (id: string) => call<Session>("POST", `${one(id)}/reset`, {}),
  close: (id: string) => call<void>("DELETE", one(id)),
  record: (id: string) => call<Recording>("POST", `${one(id)}/recording`, {}),
  stopRecording: (id: string) => call<Recording>("DELETE", `${one(id)}/recording`),
  recordings: (project: string) => call<RecordingList>("GET", `projects/${encodeURIComponent(project)}/recordings`),
  timeline: (id: string, signal: AbortSignal) =>
    call<Timeline>("GET", `recordings/${encodeURIComponent(id)}/timeline`, undefined, signal),
  frame: (id: string, seconds: number, signal: AbortSignal) =>
    call<Frame>("GET", `recordings/${encodeURIComponent(id)}/frame?time=${seconds}`, undefined, signal),
  deleteRecording: (id: string) => call<void>("DELETE", `recordings/${encodeURIComponent(id)}`),
  search: (project: string, text: string, signal: AbortSignal) =>
    call<SearchAnswer>(
      "GET",
      `projects/${encodeURIComponent(project)}/search?${new URLSearchParams({ q: text, limit: "100" })}`,
      undefined,
      signal,
    ),
};
