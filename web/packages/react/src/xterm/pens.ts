/**
 * Colours and attributes as the server's terminal reads them. xterm.js takes `38:2:1:2:3` for a colour space and two
 * parts of a colour, does not know the fast blink, fills in what a broken colour lacks, and takes the end of the
 * underline's colour (59) for white.
 */

import type { Terminal } from "@xterm/xterm";
import { insideOf, type Params, type ParamsType, type Pen } from "./inside";

const UNDERLINE = 4;
const BLINK = 5;
const FAST_BLINK = 6;
const NO_UNDERLINE_COLOUR = 59;
const COLOURS = [38, 48, 58];
const RGB = 2;
const INDEXED = 5;

type Value = number | number[];

export function penAlike(terminal: Terminal): void {
  const inside = insideOf(terminal);
  if (inside === null) return;
  const handler = inside._inputHandler;
  const attributes = handler.charAttributes.bind(handler);
  handler.charAttributes = (params) => {
    if (isPlain(params)) return attributes(params);
    const type = params.constructor as unknown as ParamsType;
    let rest = readPen(params.toArray());
    for (let at = rest.indexOf(NO_UNDERLINE_COLOUR); at >= 0; at = rest.indexOf(NO_UNDERLINE_COLOUR)) {
      if (at > 0) attributes(type.fromArray(rest.slice(0, at)));
      endUnderlineColour(handler._curAttrData);
      rest = rest.slice(at + 1);
    }
    return rest.length === 0 || attributes(type.fromArray(rest));
  };
}

function endUnderlineColour(pen: Pen): void {
  pen.extended = pen.extended.clone();
  pen.extended.underlineColor = 0;
  pen.updateExtended();
}

/** Whether both terminals read it alike: nearly all are so, and it is asked for each change of a colour. */
function isPlain(params: Params): boolean {
  const values = params.params;
  for (let at = 0; at < params.length; at++) {
    const value = values[at] ?? 0;
    if (value === FAST_BLINK || value === NO_UNDERLINE_COLOUR || params.hasSubParams(at)) return false;
    if (value !== 38 && value !== 48 && value !== 58) continue;
    const form = values[at + 1];
    const count = form === INDEXED ? 2 : form === RGB ? 4 : 0;
    if (count === 0 || at + count >= params.length) return false;
    for (let part = at + 1; part <= at + count; part++)
      if ((values[part] ?? 0) > 0xff || params.hasSubParams(part)) return false;
    at += count;
  }
  return true;
}

/** The parameters of a pen in the one form that xterm.js reads as it is meant; what means nothing is left out. */
export function readPen(values: readonly Value[]): Value[] {
  const read: Value[] = [];
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (typeof value !== "number") continue;
    const below = values[at + 1];
    if (typeof below !== "number" && below !== undefined) {
      at++;
      const parts = below.map((part) => Math.max(0, part));
      if (value === UNDERLINE && parts.length === 1) read.push(value, parts);
      else if (COLOURS.includes(value) && parts.length > 1) read.push(...colour(value, parts));
      // Without a colour its form is read as an attribute.
      else if (COLOURS.includes(value)) read.push(...parts);
    } else if (COLOURS.includes(value)) {
      const count = below === RGB ? 4 : below === INDEXED ? 2 : 0;
      const parts = values.slice(at + 1, at + 1 + count).filter((part) => typeof part === "number");
      if (count > 0 && parts.length === count) {
        read.push(...colour(value, parts));
        at += count;
      }
    } else read.push(value === FAST_BLINK ? BLINK : value);
  }
  return read;
}

function colour(what: number, [form, ...parts]: number[]): Value[] {
  const bytes = parts.map((part) => part & 0xff);
  if (form === INDEXED && bytes.length > 0) return [what, [INDEXED, bytes[0] ?? 0]];
  // With a colour space there are four, and the first says so.
  if (form === RGB && (bytes.length === 3 || bytes.length === 4)) return [what, [RGB, -1, ...bytes.slice(-3)]];
  return [];
}
