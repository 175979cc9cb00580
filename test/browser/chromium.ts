// The browser of the browser tests.
export const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";

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
