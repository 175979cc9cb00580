// The files that make the page an app: the service worker, the manifest and the icons. Their addresses are always the same.
import type { Config } from "../config/config.ts";
import { drawIcon, iconLooks } from "./app-icons.ts";
import manifest from "./files/manifest.webmanifest" with { type: "file" };
import serviceWorker from "./files/service-worker.js" with { type: "file" };
import { createRouter } from "./router.ts";

/** The worker loads the icons of its notifications, and nothing else. */
const workerPolicy =
  "default-src 'none'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const iconCaching = "public, max-age=86400";

export function appFileRoutes(config: Config) {
  const app = createRouter();
  if (!config.webPage) return app;
  /** Drawn when they are first requested, which takes up to 50 ms each. */
  const drawn = new Map<string, Uint8Array<ArrayBuffer>>();
  return app
    .get("/service-worker.js", () => {
      const headers = {
        "Content-Type": "text/javascript; charset=utf-8",
        "Content-Security-Policy": workerPolicy,
        // A browser looks for a new version at each visit.
        "Cache-Control": "no-cache",
      };
      return new Response(Bun.file(serviceWorker), { headers });
    })
    .get("/manifest.webmanifest", () => {
      const headers = {
        "Content-Type": "application/manifest+json; charset=utf-8",
        "Cache-Control": "no-cache",
      };
      return new Response(Bun.file(manifest), { headers });
    })
    .get("/icons/:file", (c) => {
      const name = c.req.param("file");
      const look = iconLooks.get(name);
      if (!look) return c.notFound();
      const icon = drawn.getOrInsertComputed(name, () => drawIcon(look));
      return c.body(icon, 200, { "Content-Type": "image/png", "Cache-Control": iconCaching });
    });
}
