// /docs/socket: how to live on the socket, and every frame of the AsyncAPI document.
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
          The reason of a close frame begins with one of these words, then <code>:</code> and a
          sentence. An unknown word means what its code means.
        </p>
        ${closeCodes(document)}`,
    },
    {
      id: "errors",
      title: "Errors",
      body: html`<p>
          What is refused is answered with an <a href="#ServerError"><code>error</code></a> frame,
          and changes nothing; only after <code>unavailable</code> and <code>internal</code> it is
          not known whether it did. The socket stays open. <code>detail</code> can be shown to a
          person. With <code>retry_after</code>, the same frame may work after so many seconds.
          These codes come over a socket; <a href="/docs">HTTP</a> has more.
        </p>
        ${errorCodes(document)}`,
    },
    { id: "client-frames", title: "What a client sends", body: clientFrames(document) },
    { id: "server-frames", title: "What the server sends", body: serverFrames(document) },
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
          Messages, answers as they are written, who is here and who is typing: everything live
          comes over one WebSocket. What a client loads and changes otherwise is
          <a href="/docs">HTTP</a>.
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
