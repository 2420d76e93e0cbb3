/** The HTTP API, relative to the page, so that it works under any prefix. */

import type { ErrorAnswer, Profile, Project, Session } from "@termwall/client";

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

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
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
  const json: unknown = await answer.json().catch(() => ({}));
  if (answer.ok) return json as T;
  const problem = json as Partial<ErrorAnswer>;
  const sentence = problem.error ?? `The server answered ${answer.status}.`;
  throw new ApiError(answer.status, problem.code ?? "internal", sentence, problem.field ?? null);
}

export interface NewSession {
  name?: string;
  type?: string;
  command?: string[];
  cwd?: string;
  /** Where it runs; else on the node that is asked. */
  node?: string;
}

export interface Recording {
  id: string;
  projectId: string;
  sessionId: string;
  sessionName: string;
  startedAt: number;
  endedAt: number | null;
  bytes: number;
  firstPart: number;
  parts: number;
  error: string | null;
}

export interface Match {
  sessionId: string | null;
  sessionName: string;
  recordingId: string | null;
  part: number | null;
  time: number | null;
  text: string;
  start: number;
  end: number;
  linesFromEnd: number | null;
}

export interface Answer {
  matches: readonly Match[];
  truncated: boolean;
  skipped: readonly string[];
}

/** Where a part of a recording is. */
export const castUrl = (id: string, part: number) => `api/recordings/${encodeURIComponent(id)}/cast?part=${part}`;

const one = (id: string) => `sessions/${encodeURIComponent(id)}`;

export const api = {
  login: (token: string) => call<void>("POST", "login", { token }),
  logout: () => call<void>("POST", "logout", {}),
  projects: () => call<{ projects: Project[] }>("GET", "projects"),
  createProject: (path: string) => call<Project>("POST", "projects", { path }),
  profiles: () => call<{ profiles: Profile[] }>("GET", "profiles"),
  create: (project: string, session: NewSession) =>
    call<Session>("POST", `projects/${encodeURIComponent(project)}/sessions`, session),
  session: (id: string) => call<Session>("GET", one(id)),
  rename: (id: string, name: string) => call<Session>("PATCH", one(id), { name }),
  restart: (id: string) => call<Session>("POST", `${one(id)}/restart`, {}),
  close: (id: string) => call<void>("DELETE", one(id)),
  record: (id: string) => call<Recording>("POST", `${one(id)}/recording`, {}),
  stopRecording: (id: string) => call<Recording>("DELETE", `${one(id)}/recording`),
  recordings: (project: string) =>
    call<{ recordings: Recording[] }>("GET", `projects/${encodeURIComponent(project)}/recordings`),
  deleteRecording: (id: string) => call<void>("DELETE", `recordings/${encodeURIComponent(id)}`),
  search: (project: string, text: string, signal: AbortSignal) =>
    call<Answer>(
      "GET",
      `projects/${encodeURIComponent(project)}/search?${new URLSearchParams({ q: text, limit: "100" })}`,
      undefined,
      signal,
    ),
};
