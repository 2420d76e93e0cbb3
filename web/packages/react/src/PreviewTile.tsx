/** A cheap picture of a session that is not on the stage: drawn when it changed, and only while it can be seen (S6). */

import { useEffect, useLayoutEffect, useRef } from "react";
import "./PreviewTile.css";
import { useTermwall } from "./context";
import { easel } from "./easel";
import { type Look, paint, pictureText, rowCount } from "./picture";

export interface PreviewTileProps {
  sessionId: string;
  /** A short name for those who cannot see it. */
  label: string;
}

declare global {
  interface Window {
    /** A hook for debugging and tests, as `__terms` is: what each picture of the page shows, by session. */
    __previews?: Map<string, () => string>;
  }
}

export function PreviewTile({ sessionId, label }: PreviewTileProps) {
  const { client, theme } = useTermwall();
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(theme);
  useLayoutEffect(() => {
    latest.current = theme;
    if (canvas.current !== null) easel.changedAt(canvas.current);
  }, [theme]);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    let endWish: (() => void) | null = null;
    const endDrawing = easel.add(element, {
      shown(now) {
        endWish?.();
        endWish = now ? client.preview([sessionId]) : null;
      },
      draw() {
        const preview = client.previewOf(sessionId);
        const context = element.getContext("2d");
        if (preview === undefined || context === null) return;
        const { width, height, lineHeight, ratio, fontSize } = lookOf(element);
        // A canvas forgets what is on it when its size is set, so that is done only where it is another one.
        const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
        if (element.width !== columns) element.width = columns;
        if (element.height !== rows) element.height = rows;
        paint(context, preview, { theme: latest.current, width, height, lineHeight, ratio, fontSize });
      },
    });
    const endListening = client.onPreview(sessionId, () => easel.changedAt(element));
    const text = () => {
      const preview = client.previewOf(sessionId);
      return preview === undefined ? "" : pictureText(preview, rowCount(lookOf(element)));
    };
    window.__previews ??= new Map();
    window.__previews.set(sessionId, text);
    return () => {
      endListening();
      endDrawing();
      if (window.__previews?.get(sessionId) === text) window.__previews.delete(sessionId);
    };
  }, [client, sessionId]);
  return <canvas ref={canvas} className="termwall-preview" role="img" aria-label={label} />;
}

/** The place's own measures; the page's style sheet says how large the text is. */
function lookOf(element: HTMLElement): Omit<Look, "theme"> {
  const style = getComputedStyle(element);
  const fontSize = Number.parseFloat(style.fontSize) || 10;
  const lineHeight = Number.parseFloat(style.lineHeight) || Math.round(fontSize * 1.3);
  const { clientWidth: width, clientHeight: height } = element;
  return { width, height, fontSize, lineHeight, ratio: window.devicePixelRatio || 1 };
}
