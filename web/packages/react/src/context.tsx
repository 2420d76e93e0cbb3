/** The page's connection, given to all components below. */

import type { Connection, TermwallClient, WorkspaceState } from "@termwall/client";
import type { ITheme } from "@xterm/xterm";
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useSyncExternalStore,
} from "react";
import { themeColours } from "./colours";
import type { EngineOptions } from "./engine";
import { Engines } from "./engines";
import { DARK } from "./themes";

export const DEFAULT_OPTIONS: EngineOptions = {
  fontSize: 13,
  theme: DARK,
  screenReaderMode: false,
  cursorBlink: false,
};

const NO_OPTIONS: Partial<EngineOptions> = {};

export interface Termwall {
  client: TermwallClient;
  engines: Engines;
  /** The terminals' colours. */
  theme: ITheme;
}

export const TermwallContext = createContext<Termwall | null>(null);

export interface ProviderProps {
  client: TermwallClient;
  /** What is left out is as in `DEFAULT_OPTIONS`, or as `engines.set` says. */
  options?: Partial<EngineOptions>;
  children: ReactNode;
}

/** Shares one client, and so one socket, with every terminal below. */
export function TermwallProvider({ client, options = NO_OPTIONS, children }: ProviderProps) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: later options go to the engines by `set`.
  const engines = useMemo(() => new Engines(client, { ...DEFAULT_OPTIONS, ...options }), [client]);
  useEffect(() => engines.start(), [engines]);
  // Before the terminals send their sizes.
  useLayoutEffect(() => engines.set(options), [engines, options]);
  const { theme = DEFAULT_OPTIONS.theme } = options;
  useEffect(() => {
    const colours = themeColours(theme);
    if (colours !== null) client.theme(colours);
  }, [client, theme]);
  const value = useMemo(() => ({ client, engines, theme }), [client, engines, theme]);
  return <TermwallContext.Provider value={value}>{children}</TermwallContext.Provider>;
}

export function useTermwall(): Termwall {
  const termwall = useContext(TermwallContext);
  if (termwall === null) throw new Error("useTermwall needs a <TermwallProvider> above it");
  return termwall;
}

/** A part of the workspace's state; `select` must return the same object while nothing changed. */
export function useWorkspace<T>(select: (state: WorkspaceState) => T): T {
  const { client } = useTermwall();
  return useSyncExternalStore(client.subscribe, () => select(client.getState()));
}

/** The connection's state, for a component of one's own. */
export function useConnection(): Connection {
  return useWorkspace((state) => state.connection);
}
