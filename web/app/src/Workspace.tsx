/** The seed's TerminalContainerV2: one project's page, with its connection and how its terminals look. */

import type { TermwallClient } from "@termwall/client";
import { DARK, LIGHT, TermwallProvider } from "@termwall/react";
import { useCallback, useMemo, useState } from "react";
import { Room } from "./room/Room";
import type { RoomProps } from "./room/RoomContext";
import { DEFAULT_VIEW, load, save, type View } from "./settings";

export interface WorkspaceProps extends Omit<RoomProps, "view" | "onView"> {
  client: TermwallClient;
  dark: boolean;
}

export function Workspace(props: WorkspaceProps) {
  const { client, project, settings, dark } = props;
  const [view, setView] = useState<View>(() => load(`view.${project.id}`, DEFAULT_VIEW));
  const options = useMemo(
    () => ({
      theme: dark ? DARK : LIGHT,
      screenReaderMode: settings.screenReader,
      cursorBlink: settings.cursorBlink,
      optionKeys: settings.optionKeys,
    }),
    [dark, settings.screenReader, settings.cursorBlink, settings.optionKeys],
  );
  const onView = useCallback(
    (next: View) => {
      setView(next);
      save(`view.${project.id}`, next);
    },
    [project.id],
  );
  return (
    <TermwallProvider client={client} options={options}>
      <Room {...props} view={view} onView={onView} />
    </TermwallProvider>
  );
}
