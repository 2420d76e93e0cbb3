/** What an error means for the page: a revoked sign-in leads to the sign-in, a removed project to the others. */

import { useConnection } from "@termwall/react";
import { useEffect } from "react";

export function useLost(onLost: (closeCode: number, reason: string | null) => void): void {
  const { state, closeCode, reason } = useConnection();
  useEffect(() => {
    if (state === "error" && (closeCode === 4401 || closeCode === 4404)) onLost(closeCode, reason);
  }, [state, closeCode, reason, onLost]);
}
