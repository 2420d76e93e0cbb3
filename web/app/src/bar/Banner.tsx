/** What is wrong with the connection, since when, and what to do: in the bar, where nothing moves by it. */

import { useTermwall, useWorkspace } from "@termwall/react";
import { chordText, isMac } from "../keys/keys";
import { useNow } from "../time";
import { useReach } from "./useReach";
import "./Banner.css";

/** `short`: on a phone the words stand under the name, and only the button here. */
export function Banner({ short }: { short: boolean }) {
  const { client } = useTermwall();
  const connection = useWorkspace((state) => state.connection);
  const now = useNow(250);
  const seconds = connection.lostAt === null ? 0 : Math.max(0, Math.round((now - connection.lostAt) / 1000));
  const due = connection.nextRetryAt === null ? null : Math.max(0, (connection.nextRetryAt - now) / 1000);
  const final = connection.state === "error";
  const why = useReach();
  return (
    <div className="banner">
      <p role="status" className={short ? "unseen" : undefined}>
        {final ? (
          <>
            <b>{connection.reason ?? "The server refused the connection"}.</b> termwall does not try again by itself.
          </>
        ) : connection.silentSince !== null && why === null ? (
          <>
            <b>The server does not answer.</b> What you type is held for 5 s at most.
          </>
        ) : (
          <>
            <b>{connection.everConnected ? "Connection lost." : "Not connected."}</b>{" "}
            {why ?? (connection.everConnected ? "Your programs keep running." : "The server does not answer.")}
          </>
        )}
      </p>
      <p className="muted" aria-live="off">
        {!final && !short && `${seconds} s ago. ${due === null ? "Trying…" : `Next try in ${due.toFixed(1)} s.`}`}
      </p>
      <button type="button" title={`Try now (${chordText("retry", isMac())})`} onClick={() => client.retryNow()}>
        Try now
      </button>
      <span className="grow" />
    </div>
  );
}
