/** The links of a terminal: shown where they lead while the pointer is on them, listed for those who use no pointer (X11). */

import type { IBufferRange, ILinkHandler, Terminal } from "@xterm/xterm";
import { AddressLinks } from "./links";
import { aroundHost, type ScreenLink, targetOf } from "./linkTarget";
import { OscLinks } from "./oscLinks";

export class ScreenLinks {
  /** For links that a program gave (OSC 8). */
  readonly handler: ILinkHandler;
  /** For addresses in the text. */
  readonly addresses: AddressLinks;
  private readonly given: OscLinks;
  private readonly bar = document.createElement("div");

  /**
   * @param element where the target is shown.
   * @param follow what to do with one that is clicked.
   */
  constructor(
    private readonly terminal: Terminal,
    private readonly element: HTMLElement,
    follow: (event: MouseEvent, link: ScreenLink) => void,
  ) {
    this.given = new OscLinks(terminal);
    const followed = (event: MouseEvent, address: string, text: string) => {
      const target = targetOf(address);
      if (target !== null) follow(event, { text, target });
    };
    const shown = (address: string | null) => this.show(address === null ? null : targetOf(address));
    this.handler = {
      activate: (event, address, range) => followed(event, address, this.textAt(range)),
      hover: (_event, address) => shown(address),
      leave: () => shown(null),
      allowNonHttpProtocols: false,
    };
    this.addresses = new AddressLinks(
      () => terminal.buffer.active,
      (event, address) => followed(event, address, address),
      shown,
    );
    this.bar.className = "termwall-target";
    this.bar.setAttribute("role", "status");
    this.bar.hidden = true;
    element.append(this.bar);
  }

  /** Those on the part of the screen that is seen, from the top; each once. */
  list(): ScreenLink[] {
    const { viewportY } = this.terminal.buffer.active;
    const found = new Map<string, ScreenLink>();
    const add = (text: string, address: string | undefined) => {
      const target = address === undefined ? null : targetOf(address);
      if (target !== null) found.set(`${target} ${text}`, { text, target });
    };
    for (let row = viewportY; row < viewportY + this.terminal.rows; row++) {
      for (const piece of this.given.in(row)) add(this.given.whole(piece).text, this.given.address(piece));
      this.addresses.provideLinks(row + 1, (links) => {
        for (const { text, range } of links ?? [])
          if (this.given.at(range.start.y - 1, range.start.x - 1) === undefined) add(text, text);
      });
    }
    return [...found.values()];
  }

  private textAt({ start }: IBufferRange): string {
    const piece = this.given.at(start.y - 1, start.x - 1);
    return piece === undefined ? "" : this.given.whole(piece).text;
  }

  private show(target: string | null): void {
    this.bar.hidden = target === null;
    this.bar.replaceChildren();
    if (target === null) this.element.removeAttribute("title");
    else {
      this.element.title = target;
      const [before, host, after] = aroundHost(target);
      const strong = document.createElement("b");
      strong.textContent = host;
      this.bar.append(before, strong, after);
    }
  }
}
