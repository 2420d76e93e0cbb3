/** Signing in with a token, where the address brought none. */

import { useState } from "react";
import { api } from "../api";
import "./sheet.css";

interface LoginProps {
  onDone: () => void;
  /** Why what the address brought does not sign in. */
  refused: string | null;
  /** The link that this page was opened with was ended. */
  ended: boolean;
}

export function Login({ onDone, refused, ended }: LoginProps) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState(refused ?? "");
  const login = async (event: React.FormEvent) => {
    event.preventDefault();
    try {
      await api.login({ token: token.trim() });
      onDone();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <main className="sheet">
      <form onSubmit={login}>
        <h1>{ended ? "Your link has been ended. Ask for a new one." : "Sign in to termwall"}</h1>
        <p>
          {ended
            ? "Open the new link, or paste its token here."
            : "The server printed an address with a token when it started. Open that address, or paste its token here."}
        </p>
        <label className="field">
          <span>Token</span>
          <input
            type="password"
            autoComplete="current-password"
            required
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="primary">
          Sign in
        </button>
      </form>
    </main>
  );
}
