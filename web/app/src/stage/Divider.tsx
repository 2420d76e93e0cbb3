/** The line between two panes, to be moved by the pointer or the arrow keys. */

import "./Divider.css";

export function Divider(props: {
  axis: "column" | "row";
  value: number;
  host: React.RefObject<HTMLElement | null>;
  onChange: (value: number) => void;
}) {
  const { axis, value, host, onChange } = props;
  const set = (next: number) => onChange(Math.min(0.85, Math.max(0.15, next)));
  const move = (event: React.PointerEvent) => {
    const box = host.current?.getBoundingClientRect();
    if (box === undefined || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    set(axis === "column" ? (event.clientX - box.left) / box.width : (event.clientY - box.top) / box.height);
  };
  const [less, more] = axis === "column" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  return (
    // biome-ignore lint/a11y/useSemanticElements: an <hr> takes no pointer and no keys.
    <div
      className={`divider ${axis}`}
      role="separator"
      tabIndex={0}
      aria-label={axis === "column" ? "Width of the left column" : "Height of the upper row"}
      aria-orientation={axis === "column" ? "vertical" : "horizontal"}
      aria-valuenow={Math.round(value * 100)}
      aria-valuemin={15}
      aria-valuemax={85}
      style={axis === "column" ? { left: `${value * 100}%` } : { top: `${value * 100}%` }}
      // By the pointer it takes no keys from the terminal.
      onMouseDown={(event) => event.preventDefault()}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={move}
      onDoubleClick={() => set(0.5)}
      onKeyDown={(event) => {
        if (event.key === less) set(value - 0.02);
        else if (event.key === more) set(value + 0.02);
        else return;
        event.preventDefault();
      }}
    />
  );
}
