/** The live terminals in the viewer's own layout. The stage is everybody's; which of it is shown, and how, is not. */

import { useTermwall } from "@termwall/react";
import { useLayoutEffect, useMemo, useRef } from "react";
import { useRoom } from "../room/RoomContext";
import { automaticFontSize } from "../settings";
import { areaOf, arrange, gridOf, narrowestPane } from "./arrangement";
import { Divider } from "./Divider";
import { Pane } from "./Pane";
import "./Stage.css";

export function Stage() {
  const { stage, actions, menus, canType, settings, view, onView } = useRoom();
  const { panes, sessions, shown, current, zoomed, layout, width, searching, setSearching } = stage;
  const { engines } = useTermwall();
  const { open: menu } = menus;
  const paneActions = useMemo(() => ({ ...actions, menu }), [actions, menu]);
  const element = useRef<HTMLElement>(null);
  const count = shown.length;
  const { columns, rows } = arrange(layout, count, width);
  // The font depends on nothing but what is shown. It is set before the panes send their sizes, and its observer was there
  // before theirs: each program hears of one size only.
  const fit = useRef(() => {});
  useLayoutEffect(() => {
    fit.current = () => {
      const pane = narrowestPane(element.current?.clientWidth ?? 0, columns, view.column);
      engines.set({ fontSize: settings.fontSize || automaticFontSize(pane) });
    };
    fit.current();
  }, [engines, settings.fontSize, columns, view.column]);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => fit.current());
    if (element.current !== null) observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return (
    <main ref={element} className="stage" aria-label="Stage" style={gridOf(view, columns, rows)}>
      {panes.map((id, index) => {
        const session = sessions.get(id);
        if (session === undefined) return null;
        const place = shown.indexOf(id);
        return (
          <Pane
            key={id}
            session={session}
            position={index + 1}
            visible={place >= 0}
            current={id === current}
            framed={count > 1}
            zoomed={zoomed}
            canType={canType}
            searching={searching?.id === id ? searching : null}
            onSearchEnd={() => setSearching(null)}
            actions={paneActions}
            onBring={session.focused ? undefined : actions.pick}
            area={place >= 0 ? areaOf(place, count, columns) : undefined}
          />
        );
      })}
      {columns === 2 && (
        <Divider
          axis="column"
          value={view.column}
          host={element}
          onChange={(value) => onView({ ...view, column: value })}
        />
      )}
      {rows === 2 && (
        <Divider axis="row" value={view.row} host={element} onChange={(value) => onView({ ...view, row: value })} />
      )}
    </main>
  );
}
