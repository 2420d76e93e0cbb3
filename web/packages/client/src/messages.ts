// Generated from src/termwall/protocol by tools/generate_typescript.py: do not edit.

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
  /** The evidence: `bell`, `OSC 9: Build finished`, `Claude hook: Notification`, `exit code 1` ... */
  reason: string;
  since: number;
  /** Whether somebody had it visible for 2 s, or typed, since it is in this state. */
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
  /** Without use, after which one has to sign in again. */
  days: number;
}

/** A browser that is signed in (X5). */
export interface BrowserShown {
  id: string;
  /** What it is, such as `Firefox on Linux`. */
  agent: string;
  /** Of the token that it signed in with; null: the owner's. */
  name: string | null;
  role: "view" | "type" | "own";
  projectId: string | null;
  createdAt: number;
  /** Perhaps an hour ago. */
  usedAt: number;
  /** Whether it is the one that asks. */
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
  /** How long it is good. */
  seconds: number;
}

/** The colours in which a client shows terminals (S7). */
export interface Colours {
  scheme: "dark" | "light";
  foreground: string;
  background: string;
  cursor: string;
  /** The colours 0 to 15; the others are xterm's. */
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
  /** Milliseconds between the heartbeats that the server expects (W6). */
  heartbeatInterval?: number | null;
  /** As often may a page send one that somebody looks at, to learn soon of a server that does not answer (W6). */
  visibleHeartbeatInterval?: number | null;
  /** What the clock that `until` is given on shows (I1). */
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
  /** What is wrong, as a sentence. */
  data: string;
  timestamp: number;
  field?: string | null;
  sessionId?: string | null;
  projectId?: string | null;
  requestId?: string | null;
  /** With `input_gap` and `too_late`: the `seq` to go on with. */
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
  /** The session that was named; null for a batch. */
  sessionId: string | null;
  focused: boolean;
  added: string[];
  removed: string[];
  /** The part of `removed` that had to make room (F3). */
  evicted: string[];
  /** Null where nobody asked for it: a session is gone, or `maxFocused` was lowered. */
  by?: Changer | null;
  requestId?: string | null;
}

/** A picture that a player can go on from. */
export interface Frame {
  part: number;
  /** Seconds from the beginning of the whole: nothing in `data` is later. */
  time: number;
  /** The byte of the part from which the events go on. */
  at: number;
  cols: number;
  rows: number;
  /** What to write into a terminal of that size; empty at a part's beginning, which has its own picture. */
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
  /** What the clock that `until` is given on shows (I1). */
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
  /** On the server's `clock`: what is not taken before is `too_late`, and not typed. */
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
  /** In place of `data`, where it is no UTF-8. */
  base64?: string | null;
  /** Keys by name, sent as the program asked for them: `Enter`, `Up`, `F5`, `C-c`, `S-Tab`, `x`; `=text` is text. */
  keys?: string[] | null;
  /** `raw`: these bytes. `text`: as a person would type it: a paste where the program takes pastes, unless it is one character; a line's end is Enter, other control characters are pictures. `paste`: one character is a paste too. */
  mode?: "raw" | "text" | "paste";
  /** Then press Enter, a moment after the rest was read. */
  enter?: boolean;
  /** On the server's clock (`X-Termwall-Clock` of its answers): what is not typed before is `too_late`, and is not. */
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
  /** Most unacknowledged bytes of one stream (S5). */
  window: number;
  /** How many bytes of output are kept for each session (S1). */
  ring: number;
  /** Largest message to the server; over it: close 1009 (W9). */
  messageBytes: number;
  /** What one connection may send in a second, in keys; more is delayed (L7). */
  messagesPerSecond: number;
  bytesPerSecond: number;
  /** The same of all connections that one token opened. */
  tokenMessagesPerSecond: number;
  tokenBytesPerSecond: number;
  /** Most input that waits for a program that does not read (I3). */
  inputBytes: number;
  nameLength: number;
  /** Most sessions of a project. */
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
  /** Of a command that finished, where the shell reports it. */
  exitCode?: number | null;
  timestamp: number;
}

/** A line in which something was found. */
export interface Match {
  /** Null for a recording of a session that is gone. */
  sessionId: string | null;
  sessionName: string;
  recordingId?: string | null;
  part?: number | null;
  /** Seconds from the part's beginning. */
  time?: number | null;
  /** The line; of a very long one what is around the match. */
  text: string;
  start: number;
  /** Where the match is in `text`, in characters. */
  end: number;
  /** How many lines above the last one of the screen, of a session. */
  linesFromEnd?: number | null;
  /** The node that has the session or the recording, where there are several. */
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
  /** What it speaks with the others: the same number understands each other. */
  protocol: number;
  sessions: number;
  connections: number;
}

/** Which nodes there are, once connected and when that changes; none of it where the server is alone (N7). */
export interface NodesUpdate {
  type: "nodes_update";
  /** Whether the other nodes are reached. While they are not, `nodes` is this one alone. */
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
  /** Told to the user, where not empty. */
  message?: string;
  /** Who says so, for the evidence: `Claude hook: Notification`. */
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
  /** Whether a full-screen program shows its own screen. */
  alternate: boolean;
  /** The visible rows from the top; a row without its trailing blanks. */
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
  /** The Host header, as it came. */
  host: string;
  /** Whether a page of the origin that was asked about may connect. */
  originAllowed: boolean;
  /** Why this client's handshake was refused in the last minute, with what came and what was expected. */
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
  /** ms since 1970; null while it runs. */
  endedAt: number | null;
  /** How long it is, by a clock that nobody sets; of one that runs, when it was last written. */
  seconds?: number;
  bytes: number;
  /** The number of the first part that is still there; they are counted from 1. */
  firstPart: number;
  /** How many there are; none where not even its first picture could be written. */
  parts: number;
  cols: number;
  rows: number;
  /** Why it ended, if that was not wanted. */
  error: string | null;
  /** How the program ended, where the recording ended with it; a signal counts from 128, as in a shell. */
  exitCode?: number | null;
  /** The node that has it, where there are several. */
  node?: string | null;
}

/** A project's recordings, the newest first. */
export interface RecordingList {
  recordings: Recording[];
  /** Nodes that could not be asked, or did not answer in time: what they have is not listed. */
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
  /** Rows from the top, the asked scrollback first; a row without its trailing blanks. */
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
  /** From the top: of each line the rows that it takes, where it wraps. Joined they are the line. */
  lines: (string[])[];
}

/** What a search found. */
export interface SearchAnswer {
  matches: Match[];
  /** The most matches that were asked for. */
  limit: number;
  /** Whether there is more: the limit was reached, or the time was over. */
  truncated: boolean;
  /** Sessions that could not be searched because no screen can be drawn. */
  skipped: string[];
  /** Nodes that could not be asked, or did not answer in time: what they have was not searched. */
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
  /** Exactly as it is run: who shows it has to leave out what a terminal would obey (X9). */
  command: string[];
  /** Where the program says it works (OSC 7); until it does, where it was started. */
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
  /** Time of the last output, or of the start: ms since 1970. */
  lastActivity: number;
  epoch: string;
  /** How many bytes the program has written in this epoch. */
  offset: number;
  /** The program a close would end: null for an ended session and for a shell that waits at its prompt. */
  foreground?: string | null;
  /** Time of the last bell: ms since 1970. */
  bell?: number | null;
  notification?: Notification | null;
  progress?: Progress | null;
  mark?: Mark | null;
  /** The newest command line that its shell reported (OSC 633;E, OSC 133;C): with `mark`, what runs or ran last. */
  shellCommand?: string | null;
  screen?: "exact" | "rebuilding" | "lost";
  echo?: "on" | "off" | "unsure" | null;
  /** The id of the recording that runs. */
  recording?: string | null;
  /** Sessions that `termwall attach` shows within this one: they may not show it in turn (A6). */
  attached?: string[];
  /** Why the last one ended, if that was not wanted; until another one begins. */
  recordingError?: string | null;
  /** What a lost session runs when it is started again, if that is not its command (P5). */
  resume?: string[] | null;
  /** The node that its program runs on, where there are several. */
  node?: string | null;
  /** Why it cannot be shown, typed into or started again, though it is there: it is of another version (L9). */
  sealed?: string | null;
  /** Why that node cannot be reached: the session is `lost` until it can. */
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
  /** The node to run on, where there are several; else the one that is asked. */
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
  /** The whole session, where it is new to this connection or was restarted. */
  session?: Session | null;
  name?: string | null;
  title?: string | null;
  cwd?: string | null;
  bell?: number | null;
  notification?: Notification | null;
  /** Null, and in the message, where a program ended its progress. */
  progress?: Progress | null;
  mark?: Mark | null;
  shellCommand?: string | null;
  screen?: "exact" | "rebuilding" | "lost" | null;
  echo?: "on" | "off" | "unsure" | null;
  /** Null, and in the message, where a recording ended. */
  recording?: string | null;
  attached?: string[] | null;
  /** Null, and in the message, where another recording began. */
  recordingError?: string | null;
  status?: "starting" | "running" | "exited" | "lost" | null;
  exitCode?: number | null;
  signal?: string | null;
  cols?: number | null;
  rows?: number | null;
  focused?: boolean | null;
  attention?: Attention | null;
  driver?: Driver | null;
  /** Null, and in the message, where its node is back. */
  away?: string | null;
  lastActivity?: number | null;
  epoch?: string | null;
  /** With `cols` and `rows`: where in the output the size changed (S3). */
  offset?: number | null;
  /** The session is gone for good; forget it. */
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
  /** True where the data begins by resetting the terminal (S4). */
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
  /** When the last event is. */
  seconds: number;
}

/** A part of a recording, on the time line of the whole. */
export interface TimelinePart {
  part: number;
  /** Seconds from the beginning of the first part that is still there. */
  start: number;
  /** Of its file, when it was asked for. */
  bytes: number;
  cols: number;
  /** The size it begins with. */
  rows: number;
  /** Whether its first event only repeats how the part before it ended. */
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
  /** Whether it is the one that was asked, or that this connection is to. */
  here: boolean;
  /** `host` runs programs, `gateway` shows those of others, `both` does both. */
  role: string;
  /** Whether it sends its clients to other nodes. */
  draining: boolean;
}

export type ClientMessage = Focus | Blur | Input | Resize | SyncRequest | Heartbeat | Ack | PreviewRequest | Drive | Seen | Keys | Rename | ClientTheme;

export type ServerMessage = ConnectionStatus | FocusUpdate | SyncComplete | Stream | SessionUpdate | Preview | Clipboard | InputAck | HeartbeatAnswer | NodesUpdate | ErrorMessage;

export type ErrorCode = "bad_message" | "unknown_type" | "invalid" | "too_large" | "unauthorized" | "forbidden" | "unknown_project" | "unknown_session" | "unknown_recording" | "unknown_token" | "unknown_browser" | "already_exists" | "version_conflict" | "too_many_focused" | "session_ended" | "input_gap" | "input_overflow" | "too_late" | "cannot_start" | "other_version" | "limit_reached" | "rate_limited" | "engine_away" | "internal";

/** Why a snapshot came, as the binary frames count it (S8). */
export const REASON_CODES: Record<NonNullable<Stream["reason"]>, number> = { attach: 1, focus: 2, resume: 3, lagged: 4, restart: 5, resize: 6 };

/** Close codes after which a client does not try again by itself (W9). */
export const FINAL_CLOSE_CODES: readonly number[] = [1002, 1008, 4401, 4403, 4404];
