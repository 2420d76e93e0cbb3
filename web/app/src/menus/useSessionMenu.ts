/** What can be done to one terminal, as its menu and the palette offer it. */

import type { Session } from "@termwall/client";
import { useTermwall, useWorkspace } from "@termwall/react";
import { useCallback } from "react";
import { api } from "../api";
import type { Open } from "../dialogs/OpenPart";
import { chordText, isMac } from "../keys/keys";
import type { Ending } from "../room/useEnding";
import { isEnded, restartWord } from "../session/order";
import type { MenuItem } from "./PopupMenu";

const MAC = isMac();

export function useSessionMenu(parts: {
  canType: boolean;
  ending: Ending;
  bring: (id: string) => Promise<void>;
  copy: (id: string | null) => Promise<void>;
  pasteFromClipboard: (id: string | null) => Promise<void>;
  searchIn: (id: string) => void;
  setOpen: (open: Open) => void;
  explain: (error: unknown) => void;
}): (session: Session) => MenuItem[] {
  const { canType, ending, bring, copy, pasteFromClipboard, searchIn, setOpen, explain } = parts;
  const { close, restart, takeFromStage } = ending;
  const { client, engines } = useTermwall();
  const clientId = useWorkspace(({ connection }) => connection.clientId);
  return useCallback(
    (session: Session): MenuItem[] => {
      const { id } = session;
      const onStage = client.getState().focus?.focusedSessions.includes(id) === true;
      const foreign = session.driver != null && session.driver.clientId !== clientId;
      // Its node would have to do these.
      const mayAct = canType && !session.away;
      const runs = !isEnded(session);
      const recorded = session.recording != null;
      const record = () => void (recorded ? api.stopRecording(id) : api.record(id)).catch(explain);
      const items: (MenuItem | false)[] = [
        !onStage && { label: "Bring to the stage", run: () => void bring(id) },
        onStage && canType && { label: "Take from the stage", run: () => takeFromStage(id) },
        onStage && { label: "Search", keys: chordText("search", MAC), run: () => searchIn(id) },
        onStage && { label: "Copy selection", keys: chordText("copy", MAC), run: () => void copy(id) },
        onStage && { label: "Links…", run: () => setOpen({ kind: "links", links: engines.get(id)?.links() ?? [] }) },
        onStage && mayAct && runs && { label: "Paste", run: () => void pasteFromClipboard(id) },
        mayAct && foreign && { label: "Take over", keys: chordText("drive", MAC), run: () => client.drive(id) },
        mayAct && { label: "Rename…", run: () => setOpen({ kind: "rename", session }) },
        mayAct && (recorded || runs) && { label: recorded ? "Stop recording" : "Record", run: record },
        mayAct && runs && { label: "Reset terminal", run: () => void api.reset(id).catch(explain) },
        mayAct && { label: restartWord(session), run: () => restart(session) },
        mayAct && { label: "Close…", run: () => close(session) },
      ];
      return items.filter((item): item is MenuItem => item !== false);
    },
    [
      client,
      engines,
      clientId,
      bring,
      canType,
      copy,
      pasteFromClipboard,
      restart,
      close,
      takeFromStage,
      searchIn,
      setOpen,
      explain,
    ],
  );
}
