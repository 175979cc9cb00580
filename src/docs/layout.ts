// The frame of both pages, and formatting that they share.
import { html } from "hono/html";

export type Html = ReturnType<typeof html>;

export interface Page {
  title: string;
  description: string;
  /** The path of the page itself. */
  path: "/docs" | "/docs/socket";
  /** Names in /docs/assets/, in their order. */
  styles: string[];
  scripts: string[];
  body: Html;
}

const links = [
  { path: "/docs", label: "HTTP" },
  { path: "/docs/socket", label: "Socket" },
  { path: "/openapi.json", label: "openapi.json" },
  { path: "/asyncapi.json", label: "asyncapi.json" },
];

export function layout({ title, description, path, styles, scripts, body }: Page): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="description" content="${description}" />
        <title>${title}</title>
        <link rel="icon" href="/favicon.ico" />
        ${styles.map((file) => html`<link rel="stylesheet" href="/docs/assets/${file}" />`)}
        ${scripts.map((file) => html`<script defer src="/docs/assets/${file}"></script>`)}
      </head>
      <body>
        <header class="bar">
          <strong>Gemini Coop</strong>
          <nav aria-label="Documentation">
            ${links.map(
              (link) =>
                html`<a href="${link.path}" ${link.path === path ? html`aria-current="page"` : ""}
                  >${link.label}</a
                >`,
            )}
          </nav>
        </header>
        ${body}
      </body>
    </html>`;
}

/** A link to an endpoint on /docs. */
export function endpoint(tag: string, operationId: string, text: string): Html {
  return html`<a href="/docs#/${tag}/${operationId}"><code>${text}</code></a>`;
}

/** A sentence in which `code` stands between backticks. */
export function prose(text: string): Html {
  return html`${text
    .split("`")
    .map((part, n) => (n % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** Formats JSON with indentation, each kind of value in its own colour. */
export function jsonCode(value: unknown): Html {
  const text = JSON.stringify(value, null, 2);
  const tokens = /("(?:\\.|[^"\\])*")(:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?/g;
  const parts: unknown[] = [];
  let end = 0;
  for (const match of text.matchAll(tokens)) {
    const [token, quoted, colon] = match;
    const kind = colon ? "key" : quoted ? "string" : "literal";
    parts.push(text.slice(end, match.index), html`<span class="${kind}">${quoted ?? token}</span>`);
    end = match.index + (quoted ?? token).length;
  }
  return html`<pre tabindex="0"><code>${parts}${text.slice(end)}</code></pre>`;
}
