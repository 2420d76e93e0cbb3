/** Asks what to start, and where there are several nodes on which. */

import type { Profile, Session } from "@termwall/client";
import { useWorkspace } from "@termwall/react";
import { useState } from "react";
import { ApiError, api } from "../api";
import { hostLabel, hostsOf, usualHost } from "../bar/nodes";
import { commandOf } from "./command";
import { Dialog } from "./Dialog";

export function NewTerminal(props: {
  projectId: string;
  profiles: readonly Profile[];
  sizeOfNext: () => { cols: number; rows: number } | null;
  onClose: () => void;
  onMade: (session: Session) => void;
}) {
  const { profiles, projectId, sizeOfNext, onClose, onMade } = props;
  const [type, setType] = useState(profiles[0]?.type ?? "system");
  const [name, setName] = useState("");
  const [command, setCommand] = useState("");
  const [cwd, setCwd] = useState("");
  const [problem, setProblem] = useState("");
  const nodes = useWorkspace((state) => state.nodes);
  const [chosen, setChosen] = useState<string | null>(null);
  const hosts = nodes === null ? [] : hostsOf(nodes);
  const node = chosen ?? usualHost(hosts)?.name;
  // A node that went away after it was chosen stays chosen: nothing starts where nobody meant it to.
  const gone = chosen !== null && !hosts.some((one) => one.name === chosen);
  const nowhere = nodes !== null && hosts.length === 0;
  const profile = profiles.find((one) => one.type === type);
  const make = async () => {
    try {
      const shell = profiles.find((one) => one.type === "system")?.command[0] ?? "/bin/sh";
      const words = commandOf(command, shell);
      const session = await api.create(projectId, {
        type,
        name: name.trim() || undefined,
        command: words.length > 0 ? words : undefined,
        cwd: cwd.trim() || undefined,
        node,
        ...sizeOfNext(),
      });
      onMade(session);
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
  };
  return (
    <Dialog title="New terminal" onClose={onClose} onSubmit={make}>
      <fieldset className="choices">
        <legend>Kind</legend>
        {profiles.map((one) => (
          <label key={one.type}>
            <input
              type="radio"
              name="profile"
              value={one.type}
              checked={one.type === type}
              onChange={() => setType(one.type)}
            />
            <span>{one.label}</span>
          </label>
        ))}
      </fieldset>
      {(hosts.length > 1 || gone) && (
        <label className="field">
          <span>Node</span>
          <select value={node} onChange={(event) => setChosen(event.target.value)}>
            {hosts.map((one) => (
              <option key={one.name} value={one.name}>
                {hostLabel(one)}
              </option>
            ))}
            {gone && <option value={chosen}>{chosen}, cannot be reached</option>}
          </select>
        </label>
      )}
      <label className="field">
        <span>Command</span>
        <input
          value={command}
          onChange={(event) => setCommand(event.target.value)}
          placeholder={profile?.command.join(" ")}
          spellCheck={false}
          autoCapitalize="off"
        />
      </label>
      <label className="field">
        <span>Folder</span>
        <input
          value={cwd}
          onChange={(event) => setCwd(event.target.value)}
          placeholder="the project's"
          spellCheck={false}
          autoCapitalize="off"
        />
      </label>
      <label className="field">
        <span>Name</span>
        <input value={name} onChange={(event) => setName(event.target.value)} maxLength={256} placeholder={type} />
      </label>
      {nowhere && <p className="problem">No node that runs programs can be reached at the moment.</p>}
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="primary" disabled={nowhere}>
          Start
        </button>
      </div>
    </Dialog>
  );
}
