/**
 * Where previews are drawn: one observer for all of them, and one frame for all that changed. What nobody can see is not
 * drawn, and its owner is notified, so that it is not asked for either (S6).
 */

export interface Drawing {
  draw(): void;
  /** Whether it can be seen now: within the window or just beside it, in a page that is shown. */
  shown(now: boolean): void;
}

interface Place extends Drawing {
  inside: boolean;
  now: boolean;
  stale: boolean;
}

/** How far beside the window a picture is made ready, for one that scrolls. */
const MARGIN = "64px";

export class Easel {
  private readonly places = new Map<Element, Place>();
  private observer: IntersectionObserver | null = null;
  /** A picture that got another size is stretched until it is drawn again. */
  private sizes: ResizeObserver | null = null;
  private frame: number | null = null;

  /** Draw an element while it can be seen. Returns what ends it. */
  add(element: Element, drawing: Drawing): () => void {
    if (this.observer === null) {
      this.observer = new IntersectionObserver((entries) => this.observed(entries), { rootMargin: MARGIN });
      this.sizes = new ResizeObserver((entries) => {
        for (const { target } of entries) this.changedAt(target);
      });
      document.addEventListener("visibilitychange", this.changed);
      window.addEventListener("resize", this.resized);
    }
    const draw = () => drawing.draw();
    const shown = (now: boolean) => drawing.shown(now);
    const place: Place = { draw, shown, inside: false, now: false, stale: true };
    this.places.set(element, place);
    this.observer.observe(element);
    this.sizes?.observe(element);
    return () => {
      if (this.places.get(element) !== place) return;
      this.places.delete(element);
      this.observer?.unobserve(element);
      this.sizes?.unobserve(element);
      if (place.now) place.shown(false);
      if (this.places.size === 0) this.end();
    };
  }

  /** Its picture is another one. */
  changedAt(element: Element): void {
    const place = this.places.get(element);
    if (place === undefined) return;
    place.stale = true;
    if (place.now) this.soon();
  }

  private observed(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const place = this.places.get(target);
      if (place !== undefined) place.inside = isIntersecting;
    }
    this.changed();
  }

  private changed = (): void => {
    for (const place of this.places.values()) {
      const now = place.inside && !document.hidden;
      if (now === place.now) continue;
      place.now = now;
      place.shown(now);
    }
    this.soon();
  };

  private resized = (): void => {
    for (const place of this.places.values()) place.stale = true;
    this.soon();
  };

  private soon(): void {
    if (this.frame !== null || document.hidden) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      for (const place of this.places.values()) {
        if (!place.now || !place.stale) continue;
        place.stale = false;
        place.draw();
      }
    });
  }

  private end(): void {
    this.observer?.disconnect();
    this.observer = null;
    this.sizes?.disconnect();
    this.sizes = null;
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    this.frame = null;
    document.removeEventListener("visibilitychange", this.changed);
    window.removeEventListener("resize", this.resized);
  }
}

/** The page's. */
export const easel = new Easel();
