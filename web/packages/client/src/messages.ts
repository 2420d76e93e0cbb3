// Generated from src/termwall/protocol/messages.py by tools/generate_typescript.py: do not edit.

/** The terminal has parsed all bytes before `offset`: gives credit back (S5). */
export interface Ack {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "ack";
  offset: number;
}

/** What a session wants from its user, and why termwall thinks so (S9). */
export interface Attention {
  state: "working" | "needs input" | "done" | "idle" | "exited" | "lost";
  reason: string;
  since: number;
  seen?: boolean;
}

/** Take a session, or all of `sessionIds` in one version, from the stage. */
export interface Blur {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  sessionIds?: string[] | null;
  expectedVersion?: number | null;
  type: "blur";
}

/** The browsers that are signed in, the one that was used last first. */
export interface BrowserList {
  browsers: BrowserShown[];
  days: number;
}

/** A browser that is signed in (X5). */
export interface BrowserShown {
  id: string;
  agent: string;
  name: string | null;
  role: "view" | "type" | "own";
  projectId: string | null;
  createdAt: number;
  usedAt: number;
  here: boolean;
}

/** Who changed the stage: a client, and what it calls itself. `clientId` is `http` for a call over HTTP. */
export interface Changer {
  clientId: string;
  name?: string | null;
}

/** The colours of this client, for the programs that it drives (S7). */
export interface ClientTheme {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "theme";
  data: Colours;
}

/** A program put a text on the clipboard (OSC 52): sent to its driver alone, once, and never again (S7). */
export interface Clipboard {
  type: "clipboard";
  sessionId: string;
  projectId: string;
  timestamp: number;
  data: string;
}

/** A one-time code for opening a browser of the server's own user that is signed in (X1). */
export interface CodeMade {
  code: string;
  seconds: number;
}

/** The colours in which a client shows terminals (S7). */
export interface Colours {
  scheme: "dark" | "light";
  foreground: string;
  background: string;
  cursor: string;
  palette: string[];
}

/** The first message of a connection (W4); while a session is waited for, also the news of each try (W5). */
export interface ConnectionStatus {
  type: "connection_status";
  status: "connecting" | "connected";
  projectId: string;
  timestamp: number;
  sessionId?: string | null;
  retryCount?: number | null;
  clientId?: string | null;
  role?: "view" | "type" | "own" | null;
  focusedSessions?: string[] | null;
  totalFocused?: number | null;
  maxFocused?: number | null;
  version?: number | null;
  epoch?: string | null;
  sessions?: Session[] | null;
  heartbeatInterval?: number | null;
  visibleHeartbeatInterval?: number | null;
  clock?: number | null;
  limits?: Limits | null;
}

/** Whether the node sends its clients to others. */
export interface DrainBody {
  draining?: boolean;
}

/** Claim a session: from now on it follows this client's size (I4). */
export interface Drive {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "drive";
  data?: Size | null;
}

/** The client whose size a session follows (I4). Another token's client is named with its token (X7). */
export interface Driver {
  clientId: string;
  name?: string | null;
}

/** Every error over HTTP (A3). A `version_conflict` holds the whole focus state as well. */
export interface ErrorAnswer {
  success: false;
  code: string;
  error: string;
  field?: string | null;
  expected?: number | null;
  projectId?: string | null;
  focusedSessions?: string[] | null;
  totalFocused?: number | null;
  maxFocused?: number | null;
  version?: number | null;
  epoch?: string | null;
  timestamp?: number | null;
}

/** A client message was refused; the connection lives on (W8). A `version_conflict` holds the whole focus state. */
export interface ErrorMessage {
  type: "error";
  code: string;
  data: string;
  timestamp: number;
  field?: string | null;
  sessionId?: string | null;
  projectId?: string | null;
  requestId?: string | null;
  expected?: number | null;
  focusedSessions?: string[] | null;
  totalFocused?: number | null;
  maxFocused?: number | null;
  version?: number | null;
  epoch?: string | null;
}

/** Put a session on the stage, or with `sessionIds` make them the whole stage in one version (F3, F5). */
export interface Focus {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  sessionIds?: string[] | null;
  expectedVersion?: number | null;
  type: "focus";
  focused?: boolean;
}

/** The stage after a focus command that was taken (A1). */
export interface FocusAnswer {
  projectId: string;
  focusedSessions: string[];
  totalFocused: number;
  maxFocused: number;
  version: number;
  epoch: string;
  timestamp: number;
  success: true;
}

/** A focus command over HTTP (A1). */
export interface FocusBody {
  projectId: string;
  sessionId?: string | null;
  sessionIds?: string[] | null;
  focused?: boolean;
  expectedVersion?: number | null;
}

/** The stage of a project (A1). */
export interface FocusState {
  projectId: string;
  focusedSessions: string[];
  totalFocused: number;
  maxFocused: number;
  version: number;
  epoch: string;
  timestamp: number;
}

/** One change of the stage, the same for every connection of the project (F2, F8). */
export interface FocusUpdate {
  projectId: string;
  focusedSessions: string[];
  totalFocused: number;
  maxFocused: number;
  version: number;
  epoch: string;
  timestamp: number;
  type: "focus_update";
  sessionId: string | null;
  focused: boolean;
  added: string[];
  removed: string[];
  evicted: string[];
  by?: Changer | null;
  requestId?: string | null;
}

/** A picture that a player can go on from. */
export interface Frame {
  part: number;
  time: number;
  at: number;
  cols: number;
  rows: number;
  data: string;
}

/** That the server answers, and which version it is. */
export interface Health {
  status?: "ok" | "draining";
  version: string;
  engine?: "none" | "up" | "down";
}

/** A sign of life, each `heartbeatInterval` (W6). */
export interface Heartbeat {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "heartbeat";
}

/** The answer to a heartbeat, at once; `echo` is the client's own timestamp (W6). */
export interface HeartbeatAnswer {
  type: "heartbeat";
  timestamp: number;
  sessionId?: string | null;
  echo?: number | null;
  clock?: number | null;
  requestId?: string | null;
}

/** Keys for the program. `seq` counts from 1 per client and session, so that a resend types nothing twice (I1). */
export interface Input {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "input";
  data: string;
  seq?: number | null;
  until?: number | null;
}

/** All input up to `seq` has been taken (I1). */
export interface InputAck {
  type: "input_ack";
  sessionId: string;
  projectId: string;
  seq: number;
  timestamp: number;
}

/** Input for the program: `data`, `base64` or `keys`, or `enter` alone. It makes nobody its driver (I4, A7). */
export interface InputBody {
  data?: string | null;
  base64?: string | null;
  keys?: string[] | null;
  mode?: "raw" | "text" | "paste";
  enter?: boolean;
  until?: number | null;
}

/** Whether this client has the session's keys: a person's next key would go there (S7). One session a connection. */
export interface Keys {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "keys";
  has?: boolean;
}

/** What a connection has to keep to (W4). */
export interface Limits {
  window: number;
  ring: number;
  messageBytes: number;
  messagesPerSecond: number;
  bytesPerSecond: number;
  tokenMessagesPerSecond: number;
  tokenBytesPerSecond: number;
  inputBytes: number;
  nameLength: number;
  sessions: number;
}

/** A token, or a one-time code for one, to trade for a cookie (X1). */
export interface LoginBody {
  token?: string | null;
  code?: string | null;
}

/** The newest mark of a shell that marks where its prompts and commands are (OSC 133). */
export interface Mark {
  kind: "prompt" | "input" | "running" | "finished";
  exitCode?: number | null;
  timestamp: number;
}

/** A line in which something was found. */
export interface Match {
  sessionId: string | null;
  sessionName: string;
  recordingId?: string | null;
  part?: number | null;
  time?: number | null;
  text: string;
  start: number;
  end: number;
  linesFromEnd?: number | null;
  node?: string | null;
}

/** The nodes that are there. */
export interface NodeList {
  engine: "none" | "up" | "down";
  nodes: NodeShown[];
}

/** One node of the wall, with its figures. */
export interface NodeShown {
  name: string;
  here: boolean;
  role: string;
  draining: boolean;
  version: string;
  protocol: number;
  sessions: number;
  connections: number;
}

/** Which nodes there are, once connected and when that changes; none of it where the server is alone (N7). */
export interface NodesUpdate {
  type: "nodes_update";
  engine: "up" | "down";
  nodes: WallNode[];
  timestamp: number;
}

/** What a program reported to its user (OSC 9, 99, 777, or `notify`). */
export interface Notification {
  title: string;
  body: string;
  timestamp: number;
}

/** What an agent or a script says of its own session (S9). */
export interface NotifyBody {
  state?: "working" | "needs input" | "done" | "idle";
  message?: string;
  source?: string;
}

/** The screen of a session that is watched cheaply (S6): at most 4 in a second, states in between are skipped. */
export interface Preview {
  type: "preview";
  sessionId: string;
  projectId: string;
  timestamp: number;
  epoch: string;
  offset: number;
  cols: number;
  rows: number;
  cursor: ScreenCursor;
  alternate: boolean;
  lines: (Run[])[];
}

/** Ask for cheap pictures of these sessions and no others, from now on (S6): `preview`s on each change. */
export interface PreviewRequest {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "preview";
  sessionIds: string[];
}

/** Sentences for the owner, each about one thing (L10). */
export interface ProblemList {
  problems: string[];
}

/** A kind of session that can be started: its command, and how to show it (P1). */
export interface Profile {
  type: string;
  label: string;
  command: string[];
  icon: string;
}

/** The profiles of this server, the default first. */
export interface ProfileList {
  profiles: Profile[];
}

/** How far a program says it is (OSC 9;4). */
export interface Progress {
  state: "normal" | "error" | "indeterminate" | "paused";
  percent?: number | null;
}

/** A project as everybody sees it. */
export interface Project {
  id: string;
  name: string;
  path: string;
  maxFocused: number;
  createdAt: number;
}

/** A new project: a folder of work. Without `id` and `name` both come from the folder's name. */
export interface ProjectCreate {
  id?: string | null;
  name?: string | null;
  path: string;
  maxFocused?: number | null;
}

/** All projects, the oldest first. */
export interface ProjectList {
  projects: Project[];
}

/** What may change about a project. */
export interface ProjectPatch {
  name?: string | null;
  maxFocused?: number | null;
}

/** How a page's requests arrive, for one whose WebSocket does not. */
export interface Reach {
  host: string;
  originAllowed: boolean;
  refused?: string | null;
}

/** A recording of a session, which goes on or has ended. */
export interface Recording {
  id: string;
  projectId: string;
  sessionId: string;
  sessionName: string;
  command: string[];
  startedAt: number;
  endedAt: number | null;
  seconds?: number;
  bytes: number;
  firstPart: number;
  parts: number;
  cols: number;
  rows: number;
  error: string | null;
  exitCode?: number | null;
  node?: string | null;
}

/** A project's recordings, the newest first. */
export interface RecordingList {
  recordings: Recording[];
  missing?: string[];
}

/** Give a session another name. */
export interface Rename {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "rename";
  name: string;
}

/** The size this client shows; it counts while the client drives the session (I4). */
export interface Resize {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "resize";
  data: Size;
}

/** Neighbouring cells of a row that look the same. Colours are a palette index, or `#rrggbb`. */
export interface Run {
  text: string;
  fg?: number | string | null;
  bg?: number | string | null;
  bold?: boolean | null;
  italic?: boolean | null;
  underline?: boolean | null;
  inverse?: boolean | null;
  dim?: boolean | null;
  strikethrough?: boolean | null;
  link?: string | null;
}

/** What a person would see of a session (A2). */
export interface Screen {
  sessionId: string;
  epoch: string;
  offset: number;
  cols: number;
  rows: number;
  cursor: ScreenCursor;
  title: string;
  lines: (Run[])[];
}

/** Where the cursor is on a screen, from 0. */
export interface ScreenCursor {
  x: number;
  y: number;
  visible: boolean;
}

/** The same as lines of plain text. */
export interface ScreenLines {
  sessionId: string;
  epoch: string;
  offset: number;
  cols: number;
  rows: number;
  cursor: ScreenCursor;
  title: string;
  lines: (string[])[];
}

/** What a search found. */
export interface SearchAnswer {
  matches: Match[];
  limit: number;
  truncated: boolean;
  skipped: string[];
  missing?: string[];
}

/** Somebody had this session visible for 2 s in a front window (S9). */
export interface Seen {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "seen";
}

/** One terminal as everybody sees it (A2). */
export interface Session {
  id: string;
  projectId: string;
  name: string;
  title: string;
  type: string;
  command: string[];
  cwd: string;
  status: "starting" | "running" | "exited" | "lost";
  exitCode: number | null;
  signal: string | null;
  cols: number;
  rows: number;
  focused: boolean;
  attention: Attention;
  driver: Driver | null;
  createdAt: number;
  lastActivity: number;
  epoch: string;
  offset: number;
  foreground?: string | null;
  bell?: number | null;
  notification?: Notification | null;
  progress?: Progress | null;
  mark?: Mark | null;
  shellCommand?: string | null;
  screen?: "exact" | "rebuilding" | "lost";
  echo?: "on" | "off" | "unsure" | null;
  recording?: string | null;
  attached?: string[];
  recordingError?: string | null;
  resume?: string[] | null;
  node?: string | null;
  sealed?: string | null;
  away?: string | null;
}

/** A new session. Without `command` it is the profile's of this `type` (P1, P4). */
export interface SessionCreate {
  id?: string | null;
  name?: string | null;
  type?: string | null;
  command?: string[] | null;
  cwd?: string | null;
  env?: Record<string, string> | null;
  cols?: number | null;
  rows?: number | null;
  node?: string | null;
}

/** The sessions of a project, the oldest first. */
export interface SessionList {
  sessions: Session[];
}

/** What may change about a session. */
export interface SessionPatch {
  name?: string | null;
}

/** What changed about a session: only the fields that did, all of them for a new one (S1, S3, S9, I4). */
export interface SessionUpdate {
  type: "session_update";
  sessionId: string;
  projectId: string;
  timestamp: number;
  session?: Session | null;
  name?: string | null;
  title?: string | null;
  cwd?: string | null;
  bell?: number | null;
  notification?: Notification | null;
  progress?: Progress | null;
  mark?: Mark | null;
  shellCommand?: string | null;
  screen?: "exact" | "rebuilding" | "lost" | null;
  echo?: "on" | "off" | "unsure" | null;
  recording?: string | null;
  attached?: string[] | null;
  recordingError?: string | null;
  status?: "starting" | "running" | "exited" | "lost" | null;
  exitCode?: number | null;
  signal?: string | null;
  cols?: number | null;
  rows?: number | null;
  focused?: boolean | null;
  attention?: Attention | null;
  driver?: Driver | null;
  away?: string | null;
  lastActivity?: number | null;
  epoch?: string | null;
  offset?: number | null;
  removed?: true | null;
}

/** The size of a terminal in character cells (I4). */
export interface Size {
  cols: number;
  rows: number;
}

/** Output of a session as text, for JSON connections (S8). `offset` is where these bytes end. */
export interface Stream {
  type: "stream";
  sessionId: string;
  projectId: string;
  data: string;
  offset: number;
  epoch: string;
  timestamp: number;
  snapshot?: true | null;
  reason?: "attach" | "focus" | "resume" | "lagged" | "restart" | "resize" | null;
  cols?: number | null;
  rows?: number | null;
}

/** A place in a session's output: the byte `offset` of its current `epoch` (S1). */
export interface StreamPosition {
  epoch: string;
  offset: number;
}

/** From where a stream goes on (W11): exactly from `offset`, after the missing bytes or after a snapshot (S3). */
export interface StreamResume {
  epoch: string;
  offset: number;
  resume: "exact" | "snapshot";
}

/** The answer to `sync_request`, and to a focus command that altered nothing (W11, F2). */
export interface SyncComplete {
  projectId: string;
  focusedSessions: string[];
  totalFocused: number;
  maxFocused: number;
  version: number;
  epoch: string;
  timestamp: number;
  type: "sync_complete";
  sessionId?: string | null;
  streams?: Record<string, StreamResume> | null;
  requestId?: string | null;
}

/** Ask for the stage; with `offsets` also resume streams from there (W11). */
export interface SyncRequest {
  sessionId?: string | null;
  projectId?: string | null;
  timestamp?: number | null;
  requestId?: string | null;
  type: "sync_request";
  offsets?: Record<string, StreamPosition> | null;
}

/** How long a recording is, and where in its files what is. */
export interface Timeline {
  parts: TimelinePart[];
  seconds: number;
}

/** A part of a recording, on the time line of the whole. */
export interface TimelinePart {
  part: number;
  start: number;
  bytes: number;
  cols: number;
  rows: number;
  continues: boolean;
}

/** A token for somebody else: what it opens (X3). */
export interface TokenCreate {
  name: string;
  role?: "view" | "type" | "own";
  projectId?: string | null;
}

/** The tokens given to others, the oldest first. */
export interface TokenList {
  tokens: TokenShown[];
}

/** A new token, the one time that it can be read. */
export interface TokenMade {
  id: string;
  name: string;
  role: "view" | "type" | "own";
  projectId: string | null;
  createdAt: number;
  token: string;
}

/** A token given to somebody, without the token. */
export interface TokenShown {
  id: string;
  name: string;
  role: "view" | "type" | "own";
  projectId: string | null;
  createdAt: number;
}

/** One of several nodes, as a page needs to know it (N7). */
export interface WallNode {
  name: string;
  here: boolean;
  role: string;
  draining: boolean;
}

export type ClientMessage = Focus | Blur | Input | Resize | SyncRequest | Heartbeat | Ack | PreviewRequest | Drive | Seen | Keys | Rename | ClientTheme;

export type ServerMessage = ConnectionStatus | FocusUpdate | SyncComplete | Stream | SessionUpdate | Preview | Clipboard | InputAck | HeartbeatAnswer | NodesUpdate | ErrorMessage;

export type ErrorCode = "bad_message" | "unknown_type" | "invalid" | "too_large" | "unauthorized" | "forbidden" | "unknown_project" | "unknown_session" | "unknown_recording" | "unknown_token" | "unknown_browser" | "already_exists" | "version_conflict" | "too_many_focused" | "session_ended" | "input_gap" | "input_overflow" | "too_late" | "cannot_start" | "other_version" | "limit_reached" | "rate_limited" | "engine_away" | "internal";

/** Close codes after which a client does not try again by itself (W9). */
export const FINAL_CLOSE_CODES: readonly number[] = [1002, 1008, 4401, 4403, 4404];
