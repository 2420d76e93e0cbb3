/**
 * The queries that a program can ask a terminal: the server's own answers each of them, once, so a page's answers none
 * (S7). And the reports that a terminal makes without a key being pressed, which only the driver's may make.
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
  { prefix: "?", final: "n" }, // DECDSR, colour scheme
  { intermediates: "$", final: "p" }, // DECRQM
  { prefix: "?", intermediates: "$", final: "p" }, // DECRQM of private modes
  { prefix: ">", final: "q" }, // XTVERSION
  { prefix: "?", final: "u" }, // kitty keyboard flags
  { prefix: "?", final: "m" }, // xterm's modified keys, and their form
  { prefix: "?", final: "g" },
  { final: "x" }, // DECREQTPARM
  { final: "t" }, // window reports
];
const DCS_QUERIES = [
  { intermediates: "$", final: "q" }, // DECRQSS
  { intermediates: "+", final: "q" }, // XTGETTCAP
];
/** Colours; `?` in place of a colour asks for it. */
const OSC_QUERIES = [4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

/** Makes a terminal answer nothing; all else that it is sent still counts. */
export function answerNothing(parser: QueryParser): void {
  for (const id of CSI_QUERIES) parser.registerCsiHandler(id, () => true);
  for (const id of DCS_QUERIES) parser.registerDcsHandler(id, () => true);
  for (const id of OSC_QUERIES) parser.registerOscHandler(id, (data) => data.includes("?"));
}

/** A report of the focus. The server makes them, merged over all who look: of a page's terminal none is sent (S7). */
export function isFocusReport(data: string): boolean {
  return data === "\x1b[I" || data === "\x1b[O";
}

/** What a terminal reports though the user did not type: a mouse that moves without a button. */
export function isReport(data: string): boolean {
  const sgr = data.startsWith("\x1b[<") ? /^(\d+);\d+;\d+M$/.exec(data.slice(3)) : null;
  if (sgr !== null) return isHover(Number(sgr[1]));
  return data.length === 6 && data.startsWith("\x1b[M") && isHover(data.charCodeAt(3) - 32);
}

/** Whether it is a report of the mouse, of whichever kind. */
export function isPointing(data: string): boolean {
  if (!data.startsWith("\x1b[")) return false;
  const rest = data.slice(2);
  return /^(?:<?\d+;\d+;\d+[Mm])+$/.test(rest) || (rest.startsWith("M") && rest.length === 4);
}

/** A mouse code: 32 is movement, 3 in the low bits no button. */
function isHover(code: number): boolean {
  return (code & 32) !== 0 && (code & 3) === 3;
}
