// The pages at /docs and their files. The pages load nothing from other hosts and have no inline scripts or styles.
import swaggerBundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import swaggerCss from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import favicon from "swagger-ui-dist/favicon-32x32.png" with { type: "file" };
import type { Config } from "../config/config.ts";
import { createRouter } from "../http/router.ts";
import { asyncApi } from "../wire/docs/asyncapi.ts";
import docsCss from "./files/docs.css" with { type: "file" };
import httpPageCss from "./files/http-page.css" with { type: "file" };
import httpPageScript from "./files/http-page.js" with { type: "file" };
import { httpPage } from "./http-page.ts";
import { socketPage } from "./socket-page.ts";

interface File {
  path: string;
  type: string;
  /** Seconds. Files of a package change with its version only. */
  maxAge: number;
}

const day = 86_400;
const ofPackage = (path: string, type: string): File => ({ path, type, maxAge: day });
const own = (path: string, type: string): File => ({ path, type, maxAge: 60 });

const css = "text/css; charset=utf-8";
const javascript = "text/javascript; charset=utf-8";
const files = new Map([
  ["swagger-ui.css", ofPackage(swaggerCss, css)],
  ["swagger-ui-bundle.js", ofPackage(swaggerBundle, javascript)],
  ["favicon-32x32.png", ofPackage(favicon, "image/png")],
  ["docs.css", own(docsCss, css)],
  ["http-page.css", own(httpPageCss, css)],
  ["http-page.js", own(httpPageScript, javascript)],
]);

/** Swagger UI's icons are data URLs. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const pageHeaders = {
  "Content-Security-Policy": contentSecurityPolicy,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-cache",
};

export function docsRoutes(config: Config) {
  let socket: ReturnType<typeof socketPage> | undefined;
  return (
    createRouter()
      .get("/docs", (c) => c.html(httpPage(), 200, pageHeaders))
      .get("/docs/socket", (c) =>
        c.html((socket ??= socketPage(asyncApi(config.version))), 200, pageHeaders),
      )
      .get("/docs/assets/:file", (c) => fileOf(c.req.param("file")) ?? c.notFound())
      // Browsers request it without a link.
      .get("/favicon.ico", (c) => fileOf("favicon-32x32.png") ?? c.notFound())
  );
}

function fileOf(name: string): Response | undefined {
  const file = files.get(name);
  if (!file) return undefined;
  return new Response(Bun.file(file.path), {
    headers: { "Content-Type": file.type, "Cache-Control": `public, max-age=${file.maxAge}` },
  });
}
