// /docs/socket: a guide to the socket, and the reference of every frame in the AsyncAPI document.
import { html } from "hono/html";
import type { AsyncApi } from "../wire/docs/asyncapi.ts";
import { guide } from "./guide.ts";
import { layout, type Html } from "./layout.ts";
import { clientFrames, closeCodes, errorCodes, serverFrames, sharedSchemas } from "./reference.ts";

interface Section {
  id: string;
  title: string;
  body: Html;
}

export function socketPage(document: AsyncApi): Html {
  const sections: Section[] = [
    ...guide,
    {
      id: "close-codes",
      title: "Close codes",
      body: html`<p>
          The reason of a close frame begins with one of these words, followed by <code>:</code> and
          a sentence. Treat an unknown word according to its code.
        </p>
        ${closeCodes(document)}`,
    },
    {
      id: "errors",
      title: "Errors",
      body: html`<p>
          A frame that is refused receives an <a href="#ServerError"><code>error</code></a> frame
          and changes nothing; after <code>unavailable</code> and <code>internal</code>, the change
          may or may not have happened. The socket stays open. <code>detail</code> can be shown to a
          person. <code>retry_after</code> is the number of seconds after which the same frame may
          succeed. These are the codes of the socket; <a href="/docs">HTTP</a> has further ones.
        </p>
        ${errorCodes(document)}`,
    },
    { id: "client-frames", title: "Client frames", body: clientFrames(document) },
    { id: "server-frames", title: "Server frames", body: serverFrames(document) },
    { id: "schemas", title: "Shared schemas", body: sharedSchemas(document) },
  ];
  return layout({
    title: "Gemini Coop: the socket",
    description:
      "Connecting, catching up, answers, close codes and every frame of Gemini Coop's socket",
    path: "/docs/socket",
    styles: ["docs.css"],
    scripts: [],
    body: html`<div class="page">
      <nav class="contents" aria-label="On this page">
        <ol>
          ${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
        </ol>
      </nav>
      <main>
        <h1>The socket</h1>
        <p class="lead">
          One WebSocket carries all live updates: messages, answers while they are written, presence
          and typing. Everything else uses <a href="/docs">HTTP</a>.
        </p>
        ${sections.map(
          ({ id, title, body }) =>
            html`<section id="${id}">
              <h2><a href="#${id}">${title}</a></h2>
              ${body}
            </section>`,
        )}
      </main>
    </div>`,
  });
}
