/** The page's icons: each state has a shape of its own, so that it reads in greyscale. */

import type { ReactNode } from "react";
import "./icons.css";

function Icon({ children, size = 12, turning }: { children: ReactNode; size?: number; turning?: boolean }) {
  return (
    <svg
      className={turning ? "icon turning" : "icon"}
      viewBox="0 0 12 12"
      width={size}
      height={size}
      aria-hidden="true"
      focusable="false"
    >
      <g fill="none" stroke="currentColor" strokeWidth="1.3">
        {children}
      </g>
    </svg>
  );
}

export const NeedsInput = () => (
  <Icon>
    <path d="M6 .6 11.4 6 6 11.4.6 6z" fill="currentColor" />
    <path d="M6 3.4v3.2M6 8.2v1" stroke="var(--badge-bg, var(--accent))" />
  </Icon>
);
export const Done = () => (
  <Icon>
    <circle cx="6" cy="6" r="5" />
    <path d="M3.6 6.2 5.4 8l3-4" />
  </Icon>
);
/** All of it turns, not what is in it: then the browser need not paint it anew for each step. */
export const Working = () => (
  <Icon turning>
    <path d="M6 1a5 5 0 1 1-4.3 2.5" />
  </Icon>
);
export const Starting = () => (
  <Icon>
    <path d="M2 6h1M5.5 6h1M9 6h1" strokeWidth="2" />
  </Icon>
);
export const Idle = () => (
  <Icon>
    <path d="M2 6h8" />
  </Icon>
);
export const Exited = () => (
  <Icon>
    <rect x="1.6" y="1.6" width="8.8" height="8.8" />
  </Icon>
);
export const Failed = () => (
  <Icon>
    <rect x="1.6" y="1.6" width="8.8" height="8.8" />
    <path d="m4 4 4 4m0-4L4 8" />
  </Icon>
);
export const Lost = () => (
  <Icon>
    <path d="M6 1a5 5 0 0 1 5 5M6 11a5 5 0 0 1-5-5M1.5 10.5l9-9" />
  </Icon>
);
export const Single = () => (
  <Icon size={16}>
    <rect x="1" y="2" width="10" height="8" />
  </Icon>
);
export const Split = () => (
  <Icon size={16}>
    <rect x="1" y="2" width="10" height="8" />
    <path d="M6 2v8" />
  </Icon>
);
export const Grid = () => (
  <Icon size={16}>
    <rect x="1" y="2" width="10" height="8" />
    <path d="M6 2v8M1 6h10" />
  </Icon>
);
export const Zoom = () => (
  <Icon>
    <path d="M7 1.5h3.5V5M5 10.5H1.5V7M10.5 1.5 7 5M1.5 10.5 5 7" />
  </Icon>
);
export const Unzoom = () => (
  <Icon>
    <path d="M11 5H7V1M1 7h4v4M7 5l4-4M5 7l-4 4" />
  </Icon>
);
export const More = () => (
  <Icon>
    <path d="M2 6h1M5.5 6h1M9 6h1" strokeWidth="2" />
  </Icon>
);
export const Plus = () => (
  <Icon>
    <path d="M6 1.5v9M1.5 6h9" />
  </Icon>
);
export const Menu = () => (
  <Icon size={16}>
    <path d="M1.5 3h9M1.5 6h9M1.5 9h9" />
  </Icon>
);
