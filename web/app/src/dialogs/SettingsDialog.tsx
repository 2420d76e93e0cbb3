/** How termwall looks and behaves for one viewer, in this browser. */

import type { OptionKeys } from "@termwall/react";
import { useState } from "react";
import { chordText, isMac } from "../keys/keys";
import { mayNotify } from "../notices/useDesktopNews";
import { FONT_SIZES, type Settings, type Theme } from "../settings";
import { Dialog } from "./Dialog";
import { SignedIn } from "./SignedIn";

type Switch = "screenReader" | "cursorBlink" | "copyOnSelect" | "programCopy" | "paletteOnly";

export function SettingsDialog(props: {
  settings: Settings;
  onChange: (settings: Settings) => void;
  onClose: () => void;
  onLogout: () => void;
  /** Whose page it is: the owner sees the browsers that are signed in. */
  owner: boolean;
}) {
  const { settings, onChange, onClose, onLogout, owner } = props;
  const [refused, setRefused] = useState(false);
  const set = (change: Partial<Settings>) => onChange({ ...settings, ...change });
  const toggle = (key: Switch, label: string) => (
    <label className="switch">
      <input type="checkbox" checked={settings[key]} onChange={(event) => set({ [key]: event.target.checked })} />
      <span>{label}</span>
    </label>
  );
  const notify = async (on: boolean) => {
    const allowed = !on || (await mayNotify());
    setRefused(!allowed);
    set({ notify: on && allowed });
  };
  return (
    <Dialog title="Settings" onClose={onClose} onSubmit={onClose}>
      <p className="muted">Yours, in this browser only.</p>
      <fieldset className="choices">
        <legend>Colours</legend>
        {(["system", "dark", "light"] satisfies Theme[]).map((theme) => (
          <label key={theme}>
            <input type="radio" name="theme" checked={settings.theme === theme} onChange={() => set({ theme })} />
            <span>{theme === "system" ? "as the system" : theme}</span>
          </label>
        ))}
      </fieldset>
      <label className="field">
        <span>Font size</span>
        <select value={settings.fontSize} onChange={(event) => set({ fontSize: Number(event.target.value) })}>
          <option value={0}>auto: 80 columns first</option>
          {FONT_SIZES.map((size) => (
            <option key={size} value={size}>
              {size} px
            </option>
          ))}
        </select>
      </label>
      {toggle("screenReader", "Screen reader mode")}
      {toggle("cursorBlink", "Blinking cursor")}
      {toggle("copyOnSelect", "Copy what is selected")}
      {toggle("programCopy", "Let programs copy to the clipboard")}
      {toggle("paletteOnly", `Leave all chords but ${chordText("palette", isMac())} to the programs`)}
      {isMac() && (
        <label className="field">
          <span>Option key as Alt</span>
          <select
            value={settings.optionKeys}
            onChange={(event) => set({ optionKeys: event.target.value as OptionKeys })}
          >
            <option value="off">off: it types @ [ ] and others</option>
            <option value="left">the left one only</option>
            <option value="both">both</option>
          </select>
        </label>
      )}
      <label className="switch">
        <input type="checkbox" checked={settings.notify} onChange={(event) => void notify(event.target.checked)} />
        <span>Desktop notifications, while you look elsewhere</span>
      </label>
      {refused && (
        <p className="problem" role="alert">
          Your browser allows this page no notifications. Allow them in its settings for this page, then try again.
        </p>
      )}
      {owner && <SignedIn />}
      <div className="buttons">
        <button type="button" onClick={onLogout}>
          Sign out
        </button>
        <button type="submit" className="primary">
          Done
        </button>
      </div>
    </Dialog>
  );
}
