/** The queries that a program can ask a terminal. While `silent()` they are swallowed, so that no answer is typed (S7). */

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
