/** The documented way out of a terminal: bar, stage and shelf in turn. */

import type { Engine } from "@termwall/react";

/** Move the keyboard's focus to the next region of the page; in the stage that is the current terminal. */
export function nextRegion(page: HTMLElement, terminal: Engine | undefined): void {
  const places = [".bar", ".stage", ".shelf"].map((name) => page.querySelector<HTMLElement>(name));
  const here = places.findIndex((place) => place?.contains(document.activeElement));
  for (let step = 1; step <= places.length; step++) {
    const place = places[(Math.max(here, -1) + step) % places.length];
    if (place == null) continue;
    if (place.matches(".stage") && terminal !== undefined) {
      terminal.focus();
      return;
    }
    const target = place.querySelector<HTMLElement>('button:not([tabindex="-1"]), select');
    if (target !== null) {
      target.focus();
      return;
    }
  }
}
