/** Copies what was selected in the current terminal as soon as the button of the mouse is let go, where that is wanted. */

import { useTermwall } from "@termwall/react";
import { useEffect } from "react";

export function useCopyOnSelect(on: boolean, current: string | null, copy: (id: string) => Promise<void>): void {
  const { engines } = useTermwall();
  useEffect(() => {
    if (!on) return;
    const up = () => {
      if (current !== null && engines.get(current)?.selection()) void copy(current);
    };
    addEventListener("mouseup", up);
    return () => removeEventListener("mouseup", up);
  }, [on, copy, current, engines]);
}
