/**
 * The queries that a program can ask a terminal. While `silent()` they are swallowed, so that no answer is typed (S7); and
 * the reports that a terminal makes without a key being pressed, which only the driver's may make.
 */

export interface QueryParser {
  registerCsiHandler(
    id: { prefix?: string; intermediates?: string; final: string },
    callback: (params: (number | number[])[]) => boolean,
  ): unknown;
  registerDcsHandler(
    id: { prefix?: string; intermediates?: string; final: string },
    callback: (data: string, params: (number | number[])[]) => boolean,
  ): unknown;
  registerOscHandler(id: number, callback: (data: string) => boolean): unknown;
}

const CSI_QUERIES = [
  { final: "c" }, // DA1
  { prefix: ">", final: "c" }, // DA2
  { prefix: "=", final: "c" }, // DA3
  { final: "n" }, // DSR, CPR
  { prefix: "?", final: "n" }, // DECDSR
  { intermediates: "$", final: "p" }, // DECRQM
  { prefix: "?", intermediates: "$", final: "p" }, // DECRQM of private modes
  { prefix: ">", final: "q" }, // XTVERSION
  { prefix: "?", final: "u" }, // kitty keyboard flags
  { final: "t" }, // window reports
];
const DCS_QUERIES = [
  { intermediates: "$", final: "q" }, // DECRQSS
  { intermediates: "+", final: "q" }, // XTGETTCAP
];
/** Colours; `?` in place of a colour asks for it. */
const OSC_QUERIES = [4, 10, 11, 12];

export function queryHandlers(parser: QueryParser, silent: () => boolean): void {
  for (const id of CSI_QUERIES) parser.registerCsiHandler(id, () => silent());
  for (const id of DCS_QUERIES) parser.registerDcsHandler(id, () => silent());
  for (const id of OSC_QUERIES) parser.registerOscHandler(id, (data) => data.includes("?") && silent());
}

/** What a terminal reports though the user did not type: focus in and out, and a mouse that moves without a button. */
export function isReport(data: string): boolean {
  if (data === "\x1b[I" || data === "\x1b[O") return true;
  const sgr = data.startsWith("\x1b[<") ? /^(\d+);\d+;\d+M$/.exec(data.slice(3)) : null;
  if (sgr !== null) return isHover(Number(sgr[1]));
  return data.length === 6 && data.startsWith("\x1b[M") && isHover(data.charCodeAt(3) - 32);
}

/** A mouse code: 32 is movement, 3 in the low bits no button. */
function isHover(code: number): boolean {
  return (code & 32) !== 0 && (code & 3) === 3;
}
