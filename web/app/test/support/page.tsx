/** A page with a client whose server a test plays, and whose window is in front or not as the test says. */

import { TermwallClient } from "@termwall/client";
import { TermwallProvider } from "@termwall/react";
import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { vi } from "vitest";
import { type Message, session, type Wire, World, welcome } from "../../../packages/client/test/support/world";

type Sessions = ReturnType<typeof session>[];

export class Page {
  readonly world = new World();
  readonly client = new TermwallClient({ url: "ws://test/ws", projectId: "p", clientId: "c", environment: this.world });
  readonly element = document.createElement("div");
  private readonly root: Root;
  private shown: ReactNode = null;
  front = true;

  constructor() {
    (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
    document.body.append(this.element);
    this.root = createRoot(this.element);
    vi.spyOn(document, "hasFocus").mockImplementation(() => this.front);
  }

  async show(children: ReactNode): Promise<void> {
    this.shown = children;
    await act(() => this.root.render(<TermwallProvider client={this.client}>{this.shown}</TermwallProvider>));
  }

  async connect(sessions: Sessions, more: Message = {}): Promise<void> {
    await act(() => {
      this.client.connect();
      this.wire.deliver(welcome(sessions, more));
    });
  }

  async reconnect(sessions: Sessions): Promise<void> {
    await act(() => {
      this.wire.end(1006);
      this.world.pass(100);
      this.wire.deliver(welcome(sessions));
    });
  }

  async update(sessionId: string, change: Message): Promise<void> {
    await act(() => this.wire.deliver({ type: "session_update", sessionId, ...change }));
  }

  /** Somebody comes to the window, or leaves it. */
  async look(front: boolean): Promise<void> {
    this.front = front;
    await act(() => dispatchEvent(new Event(front ? "focus" : "blur")));
  }

  /** For those parts that use the browser's own clock, under vitest's fake timers. */
  async pass(milliseconds: number): Promise<void> {
    await act(() => vi.advanceTimersByTimeAsync(milliseconds));
  }

  get wire(): Wire {
    return this.world.wire;
  }

  async end(): Promise<void> {
    await act(() => this.root.unmount());
    this.element.remove();
    this.client.close();
  }
}

export { session };
