/** Desktop notifications, for those who switched them on: only while nobody sits before any of this browser's pages. */

import { useTermwall } from "@termwall/react";
import { useEffect, useRef } from "react";
import { inFront } from "../stage/useSeen";
import { type News, newsOf } from "./news";

/** How long a page that is not in front waits for one that is, before it notifies. */
export const CLAIM_MILLISECONDS = 300;
const CHANNEL = "termwall.news";

/** Asks for the permission; false if the browser or the user says no. */
export async function mayNotify(): Promise<boolean> {
  if (!("Notification" in window)) return false;
  return Notification.permission === "granted" || (await Notification.requestPermission()) === "granted";
}

export function useDesktopNews(on: boolean, open: (sessionId: string) => void): void {
  const { client } = useTermwall();
  const latest = useRef(open);
  latest.current = open;
  useEffect(() => {
    if (!on || !("Notification" in window)) return;
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const claimed = new Set<string>();
    const channel = new BroadcastChannel(CHANNEL);
    const later = (milliseconds: number, callback: () => void) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        callback();
      }, milliseconds);
      timers.add(timer);
    };
    channel.onmessage = ({ data }) => {
      claimed.add(String(data));
      later(10 * CLAIM_MILLISECONDS, () => claimed.delete(String(data)));
    };
    const known = () => {
      const { sessions, limits } = client.getState();
      return limits === null ? null : sessions;
    };
    const notify = ({ sessionId, title, text, tag }: News) => {
      if (Notification.permission !== "granted") return;
      // Those of other pages have the same tag, so they take each other's place.
      const notification = new Notification(title, { body: text, tag });
      notification.onclick = () => {
        window.focus();
        notification.close();
        latest.current(sessionId);
      };
    };
    let before = known();
    const unsubscribe = client.subscribe(() => {
      const now = known();
      if (now === null || now === before) return;
      const news = newsOf(before, now);
      before = now;
      for (const one of news) {
        if (inFront()) channel.postMessage(one.tag);
        else later(CLAIM_MILLISECONDS, () => claimed.has(one.tag) || notify(one));
      }
    });
    return () => {
      unsubscribe();
      channel.close();
      for (const timer of timers) clearTimeout(timer);
    };
  }, [client, on]);
}
