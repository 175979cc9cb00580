// The browsers of the browser tests. Without CHROMIUM, most tests use the headless shell where it is installed: the same engine
// without the windows of a desktop, which takes a third of the processor time for a page.
import { existsSync } from "node:fs";

/** Chromium with all parts. The headless shell has no microphone that asks, no badges and no push messages. */
export const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const headlessShellPath = "/usr/bin/chromium-headless-shell";

/** The browser of a test that needs no more than the engine. */
export const enginePath =
  process.env.CHROMIUM === undefined && existsSync(headlessShellPath)
    ? headlessShellPath
    : chromiumPath;

export const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // The microphone beeps once a second, and a page that may use it is not asked.
  "--use-fake-device-for-media-stream",
  // No other host can be reached.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];
