/** What the page is right now: a sign-in, a choice of project, an error with what to do, or the workspace. */

import { type Profile, type Project, TermwallClient } from "@termwall/client";
import { browserEnvironment, pageClientId } from "@termwall/client/browser";
import { useCallback, useEffect, useMemo, useState } from "react";
import { ApiError, api } from "./api";
import { type Arrival, arrive, arrived } from "./entry/arrival";
import { Login } from "./entry/Login";
import { Projects, RELOAD_MILLISECONDS } from "./entry/Projects";
import { DEFAULT_SETTINGS, load, type Settings, save } from "./settings";
import { Workspace } from "./Workspace";
import "./entry/sheet.css";

/** A page that is open for days without a call over HTTP stays signed in by one (X5). */
const STAY_MILLISECONDS = 12 * 3600 * 1000;
/** How the server closes the connections of a link that was revoked; of a browser that was signed out, otherwise. */
const REVOKED = "Your link was revoked";

type Loaded = { projects: Project[]; profiles: Profile[] };

const query = () => new URLSearchParams(location.search);

export function App() {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [problem, setProblem] = useState<ApiError | null>(null);
  const [chosen, setChosen] = useState(() => query().get("project"));
  const [settings, setSettings] = useState(() => load<Settings>("settings", DEFAULT_SETTINGS));
  const [systemDark, setSystemDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  const dark = settings.theme === "system" ? systemDark : settings.theme === "dark";

  useEffect(() => {
    const media = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => setSystemDark(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  useEffect(() => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }, [dark]);

  /** Whether the link that this page was opened with was ended. */
  const [ended, setEnded] = useState(() => load("link", { ended: false }).ended);
  const rememberEnd = useCallback((ended: boolean) => {
    setEnded(ended);
    save("link", { ended });
  }, []);
  const [arrival, setArrival] = useState<Arrival>({ brought: false, problem: null });
  const reload = useCallback(async () => {
    try {
      setArrival(await arrive());
      const [projects, profiles] = await Promise.all([api.projects(), api.profiles()]);
      setLoaded({ ...projects, ...profiles });
      setProblem(null);
      setArrival(arrived());
      rememberEnd(false);
    } catch (error) {
      setProblem(error instanceof ApiError ? error : new ApiError(0, "internal", String(error), null));
    }
  }, [rememberEnd]);
  useEffect(() => void reload(), [reload]);
  useEffect(() => {
    if (problem === null || problem.status === 401) return;
    const timer = setTimeout(reload, RELOAD_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [problem, reload]);

  useEffect(() => {
    const timer = setInterval(() => void api.profiles().catch(() => undefined), STAY_MILLISECONDS);
    return () => clearInterval(timer);
  }, []);

  /** The connection says that nobody is signed in any more, or that the project is gone. */
  const lost = useCallback(
    (closeCode: number, reason: string | null) => {
      // A page that is loaded again still says so.
      if (closeCode === 4401 && reason === REVOKED) rememberEnd(true);
      void reload();
    },
    [reload, rememberEnd],
  );
  const changeSettings = useCallback((next: Settings) => {
    setSettings(next);
    save("settings", next);
  }, []);
  const choose = useCallback((id: string) => {
    setChosen(id);
    const next = new URL(location.href);
    next.searchParams.set("project", id);
    next.searchParams.delete("session");
    history.replaceState(null, "", next);
  }, []);
  const logout = useCallback(async () => {
    await api.logout().catch(() => undefined);
    setLoaded(null);
    setProblem(new ApiError(401, "unauthorized", "Signed out.", null));
  }, []);

  if (problem?.status === 401) {
    return <Login refused={arrival.problem} ended={ended && !arrival.brought} onDone={() => void reload()} />;
  }
  if (loaded === null) {
    return (
      <main className="sheet">
        {problem ? (
          <>
            <h1>The server does not answer</h1>
            <p role="alert">{problem.message} Trying again.</p>
          </>
        ) : (
          <p className="muted">Loading…</p>
        )}
      </main>
    );
  }
  const project =
    loaded.projects.find((one) => one.id === chosen) ?? (chosen === null ? loaded.projects[0] : undefined);
  if (project === undefined)
    return <Projects projects={loaded.projects} missing={chosen} onChoose={choose} onReload={reload} />;
  return (
    <Connected
      key={project.id}
      project={project}
      {...loaded}
      settings={settings}
      dark={dark}
      onSettings={changeSettings}
      onProject={choose}
      onLogout={logout}
      onLost={lost}
    />
  );
}

interface ConnectedProps extends Loaded {
  project: Project;
  settings: Settings;
  dark: boolean;
  onSettings: (settings: Settings) => void;
  onProject: (id: string) => void;
  onLogout: () => void;
  onLost: (closeCode: number, reason: string | null) => void;
}

function Connected(props: ConnectedProps) {
  const { project } = props;
  const client = useMemo(() => {
    const url = new URL("ws/terminal", document.baseURI.replace(/^http/, "ws"));
    url.search = "";
    url.hash = "";
    return new TermwallClient({
      url: url.href,
      projectId: project.id,
      clientId: pageClientId(),
      name: load<{ name?: string }>("me", {}).name,
      environment: browserEnvironment(),
    });
  }, [project.id]);
  useEffect(() => {
    client.connect();
    const online = () => client.retryNow();
    addEventListener("online", online);
    return () => {
      removeEventListener("online", online);
      client.close();
    };
  }, [client]);
  return <Workspace client={client} wanted={query().get("session")} {...props} />;
}
