/** What the page says of several nodes, and where it starts programs. */

import type { Nodes, WallNode } from "@termwall/client";

/** Those that run programs: the one that this page is connected to, then the others by name. */
export function hostsOf({ all }: Nodes): WallNode[] {
  return all
    .filter(({ role }) => role !== "gateway")
    .sort((a, b) => Number(b.here) - Number(a.here) || (a.name < b.name ? -1 : 1));
}

/** Where a program starts unless somebody chooses: no node that is about to be upgraded, if there is another. */
export function usualHost(hosts: readonly WallNode[]): WallNode | undefined {
  return hosts.find(({ draining }) => !draining) ?? hosts[0];
}

/** A node as a choice. */
export function hostLabel({ name, here, draining }: WallNode): string {
  return [name, here && "this page's", draining && "draining"].filter(Boolean).join(", ");
}

/** What one can know of a node, besides its name. */
export function aboutNode({ here, role, draining }: WallNode): string {
  const runs = role === "gateway" ? "runs no programs" : role === "host" ? "runs programs only" : "runs programs";
  return [runs, here && "this page is connected to it", draining && "draining: it sends its pages to other nodes"]
    .filter(Boolean)
    .join("; ");
}

export const AWAY = "The other nodes cannot be reached.";

/** What that means, while it lasts. */
export function awayMeaning({ all }: Nodes): string {
  const here = all.find((one) => one.here);
  const own = here === undefined || here.role === "gateway" ? "" : `Terminals of node ${here.name} go on. `;
  return `${own}The stage cannot be changed until they can be; terminals of other nodes show what was last seen.`;
}
