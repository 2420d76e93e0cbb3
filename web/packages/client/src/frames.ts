/** The binary frames of rule S8. */

import { REASON_CODES, type Stream } from "./messages";

export type Reason = NonNullable<Stream["reason"]>;

const REASONS = new Map(Object.entries(REASON_CODES).map(([reason, code]) => [code, reason as Reason]));
const STREAM = 1;
const SNAPSHOT = 2;
const INPUT = 16;
const DATED_INPUT = 17;

export interface OutputFrame {
  sessionId: string;
  /** Where the bytes end in the session's log. */
  offset: number;
  data: Uint8Array;
  snapshot?: { cols: number; rows: number; reason: Reason };
}

/** A server's frame; null for a kind that this version does not know, and for one cut short (W8). */
export function decodeFrame(buffer: ArrayBuffer): OutputFrame | null {
  if (buffer.byteLength < 2) return null;
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  if (kind !== STREAM && kind !== SNAPSHOT) return null;
  const start = 2 + view.getUint8(1);
  if (buffer.byteLength < start + (kind === STREAM ? 8 : 13)) return null;
  const sessionId = String.fromCharCode(...new Uint8Array(buffer, 2, start - 2));
  const offset = Number(view.getBigUint64(start));
  if (kind === STREAM) return { sessionId, offset, data: new Uint8Array(buffer, start + 8) };
  return {
    sessionId,
    offset,
    data: new Uint8Array(buffer, start + 13),
    snapshot: {
      cols: view.getUint16(start + 8),
      rows: view.getUint16(start + 10),
      reason: REASONS.get(view.getUint8(start + 12)) ?? "resume",
    },
  };
}

/**
 * Input as bytes; `seq` counts from 1 (I1). `until`: on the server's clock, when it may not be typed any more; null where
 * the server sends no clock.
 */
export function encodeInput(
  sessionId: string,
  seq: number,
  data: Uint8Array,
  until: number | null = null,
): Uint8Array<ArrayBuffer> {
  const head = sessionId.length + (until === null ? 6 : 14);
  const frame = new Uint8Array(head + data.length);
  frame[0] = until === null ? INPUT : DATED_INPUT;
  frame[1] = sessionId.length;
  for (let i = 0; i < sessionId.length; i++) frame[2 + i] = sessionId.charCodeAt(i);
  const view = new DataView(frame.buffer);
  view.setUint32(2 + sessionId.length, seq);
  if (until !== null) view.setBigUint64(6 + sessionId.length, BigInt(Math.max(0, Math.floor(until))));
  frame.set(data, head);
  return frame;
}
