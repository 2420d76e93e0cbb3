export { backoff } from "./backoff";
export {
  type ClientOptions,
  type Connection,
  type ConnectionState,
  type HeldInput,
  type Notice,
  type NoticeKind,
  type Role,
  TermwallClient,
  TermwallError,
  type WorkspaceState,
} from "./client";
export type { Environment, SocketLike } from "./environment";
export { decodeFrame, encodeInput, type OutputFrame, type Reason } from "./frames";
export { HOLD_BYTES, HOLD_MILLISECONDS } from "./inputs";
export type * from "./messages";
export { ACK_BYTES, type StreamChunk, type StreamSink } from "./streams";
