/** Who needs input, read aloud. */

import { useWorkspace } from "@termwall/react";
import { useMemo } from "react";

export function NeedsAloud() {
  const sessions = useWorkspace((state) => state.sessions);
  const names = useMemo(() => {
    const needing = [...sessions.values()].filter(({ attention }) => attention.state === "needs input");
    return needing.map(({ name }) => name).join(", ");
  }, [sessions]);
  return (
    <p className="unseen" role="status">
      {names && `Needs input: ${names}`}
    </p>
  );
}
