export { backoff } from "./backoff";
export { type ClientOptions, TermwallClient } from "./client";
export type { Environment, SocketLike } from "./environment";
export { decodeFrame, encodeInput, type OutputFrame, type Reason } from "./frames";
export { HOLD_BYTES, HOLD_MILLISECONDS } from "./inputs";
export type * from "./messages";
export { GATHER_MILLISECONDS } from "./previews";
export {
  type Connection,
  type ConnectionState,
  type HeldInput,
  type Nodes,
  type Notice,
  type NoticeKind,
  type Role,
  TermwallError,
  type WorkspaceState,
} from "./state";
export { ACK_BYTES, type StreamChunk, type StreamSink } from "./streams";
