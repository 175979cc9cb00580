// Tells the server whether the person is at this page: they are away when there was no input for a while, or the page has
// been hidden for some time.
import type { Client } from "../client/client.ts";
import type { Presence } from "../client/presence.ts";

const idleMsMax = 10 * 60_000;
const hiddenMsMax = 5 * 60_000;
/** The server takes somebody who sends nothing for away, so that somebody who only reads tells it that they are there. */
const renewalMs = 4 * 60_000;
const checkMs = 15_000;
const inputs = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;

/** Follows the input of the person for as long as the page exists. */
export function followActivity(client: Client, presence: Presence): void {
  let inputAtMs = Date.now();
  let toldAtMs = Date.now();
  let hiddenAtMs: number | undefined;

  const input = () => {
    inputAtMs = Date.now();
    presence.setStatus("online");
    if (inputAtMs - toldAtMs < renewalMs) return;
    toldAtMs = inputAtMs;
    client.post({ type: "presence", status: "online" });
  };
  const check = () => {
    const nowMs = Date.now();
    const isHidden = hiddenAtMs !== undefined && nowMs - hiddenAtMs >= hiddenMsMax;
    if (isHidden || nowMs - inputAtMs >= idleMsMax) presence.setStatus("away");
  };

  for (const type of inputs) addEventListener(type, input, { capture: true, passive: true });
  document.addEventListener("visibilitychange", () => {
    hiddenAtMs = document.visibilityState === "hidden" ? Date.now() : undefined;
    if (hiddenAtMs === undefined) input();
  });
  // A hidden page's timers may be late, so the times are compared.
  setInterval(check, checkMs);
}
