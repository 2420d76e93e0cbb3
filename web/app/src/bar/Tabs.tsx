/** The stage as tabs: each goes to its terminal, and can be dragged to another place. */

import { useRoom } from "../room/RoomContext";
import { Attention } from "../session/Attention";
import "./Tabs.css";

/** Pixels that a tab has beside its name: position, icon, and what lies between. */
const BESIDE_NAME = 62;
const DRAGGED = "application/x-termwall-session";

export function Tabs() {
  const { stage, actions } = useRoom();
  const { sessions, shown, current } = stage;
  const ids = stage.focus?.focusedSessions ?? [];
  const onKeyDown = (event: React.KeyboardEvent, index: number) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const id = ids[index];
    if (by === 0 || id === undefined) return;
    event.preventDefault();
    if (event.altKey && event.shiftKey) {
      actions.move(id, by);
      return;
    }
    const next = ids[(index + by + ids.length) % ids.length];
    if (next === undefined) return;
    actions.tab(next, false);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div
      className="tabs"
      role="tablist"
      aria-label="Stage"
      onWheel={(event) => event.currentTarget.scrollBy({ left: event.deltaX || event.deltaY })}
    >
      {ids.map((id, index) => {
        const session = sessions.get(id);
        if (session === undefined) return null;
        return (
          <button
            key={id}
            id={`tab-${id}`}
            type="button"
            role="tab"
            className="tab"
            style={{ minWidth: `calc(${Math.min(session.name.length, 8)}ch + ${BESIDE_NAME}px)` }}
            aria-selected={id === current}
            data-shown={shown.includes(id)}
            tabIndex={id === current ? 0 : -1}
            draggable
            onDragStart={(event) => event.dataTransfer.setData(DRAGGED, id)}
            onDragOver={(event) => event.dataTransfer.types.includes(DRAGGED) && event.preventDefault()}
            onDrop={(event) => {
              const from = ids.indexOf(event.dataTransfer.getData(DRAGGED));
              const dragged = ids[from];
              if (dragged !== undefined && from !== index) actions.move(dragged, index - from);
            }}
            onClick={(event) => actions.tab(id, event.detail > 0)}
            onKeyDown={(event) => onKeyDown(event, index)}
          >
            <span className="position">{index + 1}</span> <b title={session.name}>{session.name}</b>{" "}
            <Attention session={session} timed={false} />
          </button>
        );
      })}
    </div>
  );
}
