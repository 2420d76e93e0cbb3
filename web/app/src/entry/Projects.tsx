/** The choice of a project, where the address names none that is there, and the first one. */

import type { Project } from "@termwall/client";
import { useEffect, useState } from "react";
import { api } from "../api";
import "./sheet.css";

/** Between two questions for the projects. */
export const RELOAD_MILLISECONDS = 2000;

export function Projects(props: {
  projects: readonly Project[];
  missing: string | null;
  onChoose: (id: string) => void;
  onReload: () => Promise<void>;
}) {
  const { projects, missing, onChoose, onReload } = props;
  const [path, setPath] = useState("");
  const [problem, setProblem] = useState("");
  const typing = path !== "";
  useEffect(() => {
    // A project that somebody else makes opens by itself, but not under the hands of one who types.
    if (typing) return;
    const timer = setInterval(() => document.hidden || void onReload(), RELOAD_MILLISECONDS);
    return () => clearInterval(timer);
  }, [typing, onReload]);
  const make = async (event: React.FormEvent) => {
    event.preventDefault();
    try {
      const made = await api.createProject(path.trim());
      await onReload();
      onChoose(made.id);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <main className="sheet">
      <h1>{missing === null ? "No projects yet" : `There is no project “${missing}” here`}</h1>
      {projects.length > 0 && (
        <ul>
          {projects.map((project) => (
            <li key={project.id}>
              <button type="button" onClick={() => onChoose(project.id)}>
                {project.name} <span className="muted">{project.path}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <form onSubmit={make}>
        <p>A project is a folder on the server with its terminals.</p>
        <label className="field">
          <span>Folder</span>
          <input
            required
            value={path}
            onChange={(event) => setPath(event.target.value)}
            placeholder="/home/me/project"
            spellCheck={false}
          />
        </label>
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="primary">
          Add the project
        </button>
      </form>
    </main>
  );
}
