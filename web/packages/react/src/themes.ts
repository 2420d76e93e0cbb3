/** The terminal's colours, for dark and for light pages; each is at least 4.5 : 1 on its background. */

import type { ITheme } from "@xterm/xterm";

export const FONT_FAMILY =
  'ui-monospace, "SF Mono", Menlo, "Cascadia Mono", "DejaVu Sans Mono", "Liberation Mono", Consolas, monospace';

export const DARK: ITheme = {
  background: "#0d0e10",
  foreground: "#d3d6da",
  cursor: "#d3d6da",
  cursorAccent: "#0d0e10",
  selectionBackground: "#3a4350",
  black: "#282c32",
  brightBlack: "#7b828c",
  red: "#ff7b72",
  brightRed: "#ff9a93",
  green: "#63c98a",
  brightGreen: "#8fdcab",
  yellow: "#e2c25a",
  brightYellow: "#efd88c",
  blue: "#79b0ff",
  brightBlue: "#a3c8ff",
  magenta: "#d59af5",
  brightMagenta: "#e3bdf8",
  cyan: "#5cc8d2",
  brightCyan: "#8fdbe2",
  white: "#d3d6da",
  brightWhite: "#f4f5f6",
};

export const LIGHT: ITheme = {
  background: "#ffffff",
  foreground: "#25282c",
  cursor: "#25282c",
  cursorAccent: "#ffffff",
  selectionBackground: "#c9dcf7",
  black: "#25282c",
  brightBlack: "#666c74",
  red: "#bd2621",
  brightRed: "#a81d18",
  green: "#17713d",
  brightGreen: "#0f5e31",
  yellow: "#7d5f00",
  brightYellow: "#6b5100",
  blue: "#1558bd",
  brightBlue: "#0d469c",
  magenta: "#8a35b5",
  brightMagenta: "#742a99",
  cyan: "#0b6b78",
  brightCyan: "#085662",
  white: "#585d64",
  brightWhite: "#2b2e33",
};
