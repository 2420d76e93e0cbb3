/** The tab's title and icon say how many terminals need somebody. */

import { useEffect } from "react";
import icon from "../icons/icon.svg";
import waiting from "../icons/icon-waiting.svg";
import { caption } from "../session/caption";

export function useTitle(name: string, needing: number): void {
  useEffect(() => {
    document.title = `${needing > 0 ? `(${needing}) ` : ""}${caption(name)} · termwall`;
    const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (link !== null) link.href = needing > 0 ? waiting : icon;
  }, [needing, name]);
}
