/** The live terminals in the viewer's own layout. The stage is everybody's; which of it is shown, and how, is not. */

import type { Session } from "@termwall/client";
import { useTermwall } from "@termwall/react";
import { useLayoutEffect, useRef } from "react";
import { automaticFontSize, type View } from "../settings";
import { areaOf, arrange, gridOf, narrowestPane } from "./arrangement";
import { Divider } from "./Divider";
import { Pane, type PaneActions } from "./Pane";
import type { Wanted } from "./SearchBar";
import "./Stage.css";

interface StageProps {
  /** What there is to show: the stage, and what this page keeps in view. */
  panes: readonly string[];
  onBring: (session: Session) => void;
  sessions: ReadonlyMap<string, Session>;
  shown: readonly string[];
  current: string | null;
  zoomed: boolean;
  view: View;
  /** Of the window, in pixels. */
  width: number;
  /** Pixels; 0 takes the largest that keeps 80 columns in the narrowest pane that is shown. */
  fontSize: number;
  onView: (view: View) => void;
  canType: boolean;
  searching: Wanted | null;
  onSearchEnd: () => void;
  actions: PaneActions;
}

export function Stage(props: StageProps) {
  const { panes, onBring, sessions, shown, current, zoomed, view, width, fontSize, onView, canType } = props;
  const { searching, onSearchEnd, actions } = props;
  const { engines } = useTermwall();
  const element = useRef<HTMLElement>(null);
  const count = shown.length;
  const { columns, rows } = arrange(view.layout, count, width);
  // The font depends on nothing but what is shown. It is set before the panes send their sizes, and its observer was there
  // before theirs: each program hears of one size only.
  const fit = useRef(() => {});
  useLayoutEffect(() => {
    fit.current = () => {
      const pane = narrowestPane(element.current?.clientWidth ?? 0, columns, view.column);
      engines.set({ fontSize: fontSize || automaticFontSize(pane) });
    };
    fit.current();
  }, [engines, fontSize, columns, view.column]);
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
            onSearchEnd={onSearchEnd}
            actions={actions}
            onBring={session.focused ? undefined : onBring}
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
