/** How long to wait before the next try (W10): full jitter over the seed's delays. */

const DELAYS = [100, 500, 1000, 2000, 4110] as const;

/** Milliseconds before try `attempt` (0 is the first after a connection was lost). */
export function backoff(attempt: number, random: number): number {
  const most = DELAYS[Math.min(attempt, DELAYS.length - 1)] ?? 4110;
  return Math.round(random * most);
}
