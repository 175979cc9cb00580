// /docs: Swagger UI for the OpenAPI document. The package's own page has an inline script, which the content security
// policy forbids: only the names of its files are used, and files/http-page.js starts it.
import { SwaggerUI } from "@hono/swagger-ui";
import { html } from "hono/html";
import { layout } from "./layout.ts";

const nameOf = (address: string) => address.slice(address.lastIndexOf("/") + 1);

export function httpPage(): string {
  return SwaggerUI({
    url: "/openapi.json",
    manuallySwaggerUIHtml: ({ css, js }) => String(pageWith(css.map(nameOf), js.map(nameOf))),
  }).toString();
}

function pageWith(styles: string[], scripts: string[]) {
  return layout({
    title: "Gemini Coop: HTTP",
    description: "The HTTP endpoints of Gemini Coop",
    path: "/docs",
    styles: ["docs.css", ...styles, "http-page.css"],
    scripts: [...scripts, "http-page.js"],
    body: html`<main id="swagger-ui"></main>
      <noscript
        ><p class="notice">
          This page needs JavaScript. The OpenAPI document is at
          <a href="/openapi.json">/openapi.json</a>.
        </p></noscript
      >`,
  });
}
