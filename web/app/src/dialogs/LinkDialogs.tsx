/** Links of a terminal, with where they lead: asked about where their text says something else, and listed for the keyboard. */

import { aroundHost, openTarget, type ScreenLink, saysWhere } from "@termwall/react";
import { caption } from "../session/caption";
import { Dialog } from "./Dialog";
import "./LinkDialogs.css";

export function ConfirmLink({ link, onClose }: { link: ScreenLink; onClose: () => void }) {
  return (
    <Dialog title="Open this link?" onClose={onClose} onSubmit={onClose}>
      <p>
        The terminal shows <q>{caption(link.text)}</q>. It leads to
      </p>
      <Target target={link.target} />
      <div className="buttons">
        <button type="submit" className="primary">
          Cancel
        </button>
        <button
          type="button"
          onClick={() => {
            onClose();
            openTarget(link.target);
          }}
        >
          Open it
        </button>
      </div>
    </Dialog>
  );
}

export function Links({ links, onClose }: { links: readonly ScreenLink[]; onClose: () => void }) {
  return (
    <Dialog title="Links on the screen" onClose={onClose} onSubmit={onClose} wide>
      {links.length === 0 && <p>There are none on the part of the screen that is shown.</p>}
      <ul className="links">
        {links.map((link) => (
          <li key={`${link.target} ${link.text}`}>
            <a href={link.target} target="_blank" rel="noopener noreferrer" onClick={onClose}>
              {!saysWhere(link.text, link.target) && <q>{caption(link.text)}</q>}
              <Target target={link.target} />
            </a>
          </li>
        ))}
      </ul>
      <div className="buttons">
        <button type="submit" className="primary">
          Done
        </button>
      </div>
    </Dialog>
  );
}

/** The whole address: nothing of it is cut, and its host is what stands out. */
function Target({ target }: { target: string }) {
  const [before, host, after] = aroundHost(target);
  return (
    <code className="target">
      {before}
      <b>{host}</b>
      {after}
    </code>
  );
}
