/** Asks for a terminal's name. */

import type { Session } from "@termwall/client";
import { useState } from "react";
import { api } from "../api";
import { Dialog } from "./Dialog";

export function Rename({ session, onClose }: { session: Session; onClose: () => void }) {
  const [name, setName] = useState(session.name);
  const [problem, setProblem] = useState("");
  const rename = async () => {
    try {
      if (name.trim()) await api.rename(session.id, name.trim());
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Dialog title={`Rename ${session.name}`} onClose={onClose} onSubmit={rename}>
      <label className="field">
        <span>Name</span>
        <input
          value={name}
          onChange={(event) => setName(event.target.value)}
          maxLength={256}
          required
          onFocus={(event) => event.target.select()}
        />
      </label>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="primary">
          Rename
        </button>
      </div>
    </Dialog>
  );
}
