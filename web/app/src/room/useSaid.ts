/** A sentence for the user, for some seconds. */

import { TermwallError } from "@termwall/client";
import { useCallback, useEffect, useState } from "react";

const SAID_MILLISECONDS = 8_000;

export interface Said {
  /** "" while nothing is said. */
  said: string;
  say: (sentence: string) => void;
  /** Say why something was refused. */
  explain: (error: unknown) => void;
}

export function useSaid(): Said {
  const [said, say] = useState("");
  const explain = useCallback((error: unknown) => {
    if (error instanceof TermwallError && error.code === "version_conflict") {
      say("Somebody changed the stage first. This is the stage now; repeat your change if it still fits.");
    } else say(error instanceof Error ? error.message : String(error));
  }, []);
  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(() => say(""), SAID_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [said]);
  return { said, say, explain };
}
