/** The browsers that are signed in, for the owner: one that is lost or lent is signed out here (X5). */

import type { BrowserShown } from "@termwall/client";
import { useCallback, useEffect, useState } from "react";
import { api } from "../api";
import "./SignedIn.css";

export function SignedIn() {
  const [browsers, setBrowsers] = useState<readonly BrowserShown[]>([]);
  const [days, setDays] = useState(0);
  const [problem, setProblem] = useState("");
  const load = useCallback(async () => {
    try {
      const found = await api.browsers();
      setBrowsers(found.browsers);
      setDays(found.days);
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }, []);
  useEffect(() => void load(), [load]);
  const end = async (one: BrowserShown) => {
    await api.endBrowser(one.id).catch(() => undefined); // The list says what is left.
    await load();
  };
  return (
    <details className="browsers">
      <summary>Browsers that are signed in</summary>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <ul className="rows">
        {browsers.map((one) => (
          <li key={one.id} data-browser={one.id}>
            <span>
              <b>{one.agent}</b>
              {one.here ? ", this one" : ""}{" "}
              <span className="muted">
                {one.name === null ? "the owner" : `${one.name} (${one.role})`}, used{" "}
                {new Date(one.usedAt).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}
              </span>
            </span>
            {!one.here && (
              <button type="button" onClick={() => void end(one)} aria-label={`Sign out ${one.agent}`}>
                Sign out
              </button>
            )}
          </li>
        ))}
      </ul>
      {days > 0 && <p className="muted">One that is not used for {days} days has to sign in again.</p>}
    </details>
  );
}
