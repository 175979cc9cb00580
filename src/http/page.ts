// Serves the web page of src/web/. The compiled server contains its bundle. Elsewhere Bun bundles it in memory, so there is
// no build step; the first visit waits about 25 ms for it, the start of the server doesn't.
import { basename } from "node:path";
import { compress } from "hono/compress";
import type { Config } from "../config/config.ts";
import source from "../web/page.html";
import { createRouter } from "./router.ts";

const filesPath = "/page/";

/**
 * The page loads its own files and connects to its own host, also by WebSocket, which `'self'` includes (CSP Level 3
 * §6.7.2.8). It has no inline scripts or styles and no images of other hosts, only DOMPurify makes HTML of text, and only the
 * service worker is registered.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // Previews of pictures are data, and those of pictures that are about to be uploaded are in the browser.
  "img-src 'self' data: blob:",
  "media-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types dompurify service-worker",
].join("; ");

const pageHeaders = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": contentSecurityPolicy,
  "Cross-Origin-Opener-Policy": "same-origin",
  // The page names the files of this version.
  "Cache-Control": "no-cache",
};
/** Links to the files of app-files.ts. A bundler would look for them beside the page. */
const appLinks =
  '<link rel="manifest" href="/manifest.webmanifest"><link rel="apple-touch-icon" href="/icons/apple-180.png">';

/** A file's name has a hash of its content. */
const fileCaching = "public, max-age=31536000, immutable";

interface Page {
  html: string;
  files: Map<string, { type: string; bytes: ArrayBuffer }>;
}

/** The page in a compiled server, which Bun has bundled for files beside `/`. */
async function compiledPage(outputs: NonNullable<typeof source.files>): Promise<Page> {
  const names = outputs.map(({ path }) => basename(path));
  // The page names the files that it loads, and a script names the one that it loads with the first formula.
  const addressed = async (path: string) => {
    const text = await Bun.file(path).text();
    return names.reduce(
      (result, name) => result.replaceAll(`"/${name}"`, `"${filesPath}${name}"`),
      text,
    );
  };
  const page: Page = { html: await addressed(source.index), files: new Map() };
  for (const { path, loader, headers } of outputs) {
    if (loader === "html") continue;
    const bytes =
      loader === "js"
        ? new TextEncoder().encode(await addressed(path)).buffer
        : await Bun.file(path).arrayBuffer();
    page.files.set(basename(path), { type: headers["content-type"], bytes });
  }
  return page;
}

/** @throws when a source file has an error */
async function bundlePage(): Promise<Page> {
  if (source.files) return compiledPage(source.files);
  const { outputs } = await Bun.build({
    entrypoints: [source.index],
    target: "browser",
    minify: true,
    splitting: true,
    publicPath: filesPath,
    naming: { chunk: "[name]-[hash].[ext]", asset: "[name]-[hash].[ext]" },
    // The options of src/web/tsconfig.json, which an installed server may lack.
    jsx: { runtime: "automatic", importSource: "preact", development: false },
  });
  const page: Page = { html: "", files: new Map() };
  for (const output of outputs) {
    const name = output.path.replace(/^\.\//, "");
    if (name.endsWith(".html")) page.html = await output.text();
    else {
      page.files.set(name, { type: output.type, bytes: await output.arrayBuffer() });
    }
  }
  return page;
}

/** `/` and the files that it loads; where WEB_PAGE is off, `/` redirects to /docs. */
export function pageRoutes(config: Config) {
  const app = createRouter();
  if (!config.webPage) return app.get("/", (c) => c.redirect("/docs"));

  let bundled: Promise<Page> | undefined;
  function page(): Promise<Page> {
    bundled ??= bundlePage();
    return bundled.catch((error: unknown) => {
      bundled = undefined;
      throw error;
    });
  }

  app.get("/", async (c) => {
    // During development every change of the page is seen at the next visit.
    if (!config.production) bundled = undefined;
    const { html } = await page();
    return c.body(html.replace("</head>", `${appLinks}</head>`), 200, pageHeaders);
  });
  app.use(`${filesPath}*`, compress());
  app.get(`${filesPath}:file`, async (c) => {
    const file = (await page()).files.get(c.req.param("file"));
    if (!file) return c.notFound();
    return c.body(file.bytes, 200, {
      "Content-Type": file.type,
      "Cache-Control": fileCaching,
    });
  });
  return app;
}
