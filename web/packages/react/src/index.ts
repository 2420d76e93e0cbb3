export {
  DEFAULT_OPTIONS,
  type ProviderProps,
  type Termwall,
  TermwallContext,
  TermwallProvider,
  useConnection,
  useTermwall,
  useWorkspace,
} from "./context";
export { Engine, type EngineEvents, type EngineOptions, SCROLLBACK_LINES } from "./engine";
export { Engines, KEPT_ENGINES } from "./engines";
export type { SearchState } from "./finder";
export { composes, type KeyPress, latinOf, type OptionKeys, type Platform, platformOf } from "./keyboard";
export { aroundHost, openTarget, type ScreenLink, saysWhere } from "./linkTarget";
export { PreviewTile, type PreviewTileProps } from "./PreviewTile";
export { ConnectionIndicator, connectionOf, TerminalView, type TerminalViewProps } from "./TerminalView";
export { DARK, LIGHT } from "./themes";
export { makeAlike, OutputText } from "./xterm/alike";
