/**
 * A project's terminals. It holds no focus state of its own; what is focused is the server's, and what it keeps (layout,
 * zoom, which pane has the keys) is this viewer's alone.
 */

import { useWorkspace } from "@termwall/react";
import { useRef, useState } from "react";
import { Bar } from "../bar/Bar";
import { NodesAway } from "../bar/NodesStatus";
import { useTitle } from "../bar/useTitle";
import { useCopyOnSelect } from "../clipboard/useCopyOnSelect";
import { type Open, OpenPart } from "../dialogs/OpenPart";
import { KeyBar } from "../keys/KeyBar";
import { KeysBack } from "../keys/keptKeys";
import { useCommands } from "../keys/useCommands";
import { useMenus } from "../menus/useMenus";
import { Notices } from "../notices/Notices";
import { useDesktopNews } from "../notices/useDesktopNews";
import { needingCount } from "../session/order";
import { Shelf } from "../shelf/Shelf";
import { Stage } from "../stage/Stage";
import { useStage } from "../stage/useStage";
import { EmptyRoom } from "./EmptyRoom";
import { NeedsAloud } from "./NeedsAloud";
import { RoomContext, type RoomParts, type RoomProps } from "./RoomContext";
import { useBeginning } from "./useBeginning";
import { useLost } from "./useLost";
import { useSaid } from "./useSaid";
import { useSessionActions } from "./useSessionActions";
import "./Room.css";

export function Room(props: RoomProps) {
  const { project, settings, wanted, view } = props;
  const root = useRef<HTMLDivElement>(null);
  const connection = useWorkspace((state) => state.connection);
  const canType = connection.role !== "view";
  const [open, setOpen] = useState<Open | null>(null);
  const { said, ...saying } = useSaid();
  const stage = useStage(root, view, wanted);
  const parts = { ...props, ...saying, canType, stage, setOpen };
  const actions = useSessionActions({ ...parts, root });
  const menus = useMenus({ ...parts, actions });
  const run = useCommands({ ...parts, actions });
  const room: RoomParts = { ...parts, actions, menus, run };
  useTitle(project.name, needingCount(stage.sessions.values()));
  useDesktopNews(settings.notify, (id) => void actions.bring(id));
  useBeginning(wanted, stage, actions);
  useLost(props.onLost);
  useCopyOnSelect(settings.copyOnSelect, stage.current, actions.copy);

  const { onWall, alone, sessions } = stage;
  const some = stage.focus !== null && sessions.size > 0;
  return (
    <RoomContext.Provider value={room}>
      <KeysBack.Provider value={actions.giveKeysBack}>
        <div
          ref={root}
          className="workspace"
          data-connection={connection.state}
          data-phone={stage.phone}
          data-stale={connection.state !== "connected"}
        >
          <Bar />
          {onWall && <NodesAway />}
          {some ? <Stage /> : <EmptyRoom />}
          {some && stage.shown.length === 0 && !onWall && (
            <p className="nothing muted">Nothing is on the stage. Choose a terminal to bring it here, for everybody.</p>
          )}
          {sessions.size > 0 && (onWall || (!stage.phone && !view.folded)) && (
            <Shelf
              sessions={onWall ? stage.everything : stage.shelf}
              first={stage.focused.length + 1}
              wall={onWall}
              canType={canType}
              onPick={actions.pick}
              onNew={() => setOpen({ kind: "new" })}
              onMenu={menus.open}
              onBusy={stage.setInShelf}
              ended={menus.many}
            />
          )}
          {alone && canType && (
            <KeyBar session={alone} onPaste={() => void actions.pasteFromClipboard(stage.current)} />
          )}
          <Notices programCopy={settings.programCopy} />
          <p className="said" role="status">
            {said}
          </p>
          <NeedsAloud />
          {open !== null && <OpenPart open={open} />}
        </div>
      </KeysBack.Provider>
    </RoomContext.Provider>
  );
}
