// /docs: Swagger UI on the OpenAPI document. files/http-page.js starts it.
import { html } from "hono/html";
import { layout } from "./layout.ts";

export function httpPage() {
  return layout({
    title: "Gemini Coop: HTTP",
    description: "Every endpoint of Gemini Coop, to read and to try out",
    path: "/docs",
    styles: ["docs.css", "swagger-ui.css", "http-page.css"],
    scripts: ["swagger-ui-bundle.js", "http-page.js"],
    body: html`<main id="swagger-ui"></main>
      <noscript
        ><p class="notice">
          This page needs JavaScript. The document itself is at
          <a href="/openapi.json">/openapi.json</a>.
        </p></noscript
      >`,
  });
}
