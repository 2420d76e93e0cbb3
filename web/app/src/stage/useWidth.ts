/** The window's width, measured before the panes measure theirs. */

import { useEffect, useState } from "react";
import { flushSync } from "react-dom";

/** In pixels. */
export function useWidth(root: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(innerWidth);
  useEffect(() => {
    const measure = () => setWidth(innerWidth);
    const observer = new ResizeObserver(measure);
    if (root.current) observer.observe(root.current);
    // Before its panes are measured: no program hears of a size between two arrangements.
    const arrangeNow = () => flushSync(measure);
    addEventListener("resize", arrangeNow);
    measure();
    return () => {
      removeEventListener("resize", arrangeNow);
      observer.disconnect();
    };
  }, [root]);
  return width;
}
