// The reference half of /docs/socket, made from the AsyncAPI document: frames, their members, close codes.
import { html } from "hono/html";
import type { AsyncApi } from "../wire/docs/asyncapi.ts";
import type { FrameMessage, JsonSchema } from "../wire/docs/frame-messages.ts";
import { jsonCode, prose, type Html } from "./layout.ts";

const lastPart = ($ref: string) => $ref.split("/").at(-1) ?? "";

/** A type in few words: `integer`, `"join"`, `Chat[]`, `string or null`. */
function typeOf(schema: JsonSchema): Html {
  if (schema.$ref !== undefined) {
    const name = lastPart(schema.$ref);
    return html`<a href="#${name}">${name}</a>`;
  }
  if (schema.const !== undefined) return html`${JSON.stringify(schema.const)}`;
  if (schema.enum) return joined(schema.enum.map((each) => html`${JSON.stringify(each)}`));
  const parts = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (parts) return joined(parts.map((part) => typeOf(part)));
  if (schema.type === "array" && schema.items && !Array.isArray(schema.items)) {
    return html`${typeOf(Object(schema.items))}[]`;
  }
  if (schema.format === "date-time") return html`time`;
  const types = [schema.type ?? "anything"].flat();
  return joined(types.map((type) => html`${type}`));
}

function joined(parts: Html[]): Html {
  return html`${parts.map((part, n) => (n === 0 ? part : html` or ${part}`))}`;
}

/** The description and the limits of a schema. */
function limitsOf({ minLength, maxLength, description }: JsonSchema): string {
  const length =
    maxLength === undefined
      ? ""
      : `${minLength ?? 0} to ${maxLength.toLocaleString("en-US")} characters`;
  return [description, length].filter(Boolean).join(". ");
}

function membersOf(schema: JsonSchema): Html {
  const required = new Set(schema.required);
  const members = Object.entries(schema.properties ?? {}).filter(([name]) => name !== "type");
  if (members.length === 0) return html``;
  return html`<dl class="members">
    ${members.map(([name, member]) => {
      const of: JsonSchema = Object(member);
      const limits = limitsOf(of.anyOf?.[0] ? { ...Object(of.anyOf[0]), ...of } : of);
      return html`<div>
        <dt>
          <code>${name}</code> <span class="type">${typeOf(of)}</span>
          ${required.has(name) ? "" : html`<span class="optional">optional</span>`}
        </dt>
        ${limits ? html`<dd>${prose(limits)}</dd>` : ""}
      </div>`;
    })}
  </dl>`;
}

function frame(document: AsyncApi, key: string, reply: Html | string): Html {
  const message: FrameMessage | undefined = document.components.messages[key];
  const schema = document.components.schemas[key];
  if (!message || !schema) throw new Error(`${key} is not in the document`);
  return html`<article class="frame" id="${key}">
    <div>
      <h4><a href="#${key}">${message.title}</a></h4>
      <p class="summary">${prose(message.summary)}.</p>
      ${message.description ? html`<p>${prose(message.description)}</p>` : ""} ${membersOf(schema)}
      ${reply}
    </div>
    ${message.examples.map(({ payload }) => jsonCode(payload))}
  </article>`;
}

/** Every frame that a client sends, and what answers it. */
export function clientFrames(document: AsyncApi): Html {
  const operations = Object.values(document.operations).flatMap((operation) =>
    "reply" in operation ? [operation] : [],
  );
  return html`${operations.map(({ messages, reply }) => {
    const answers = reply.messages.map(({ $ref }) => lastPart($ref));
    const links = answers.map(
      (key) => html`<a href="#${key}"><code>${document.components.messages[key]?.name}</code></a>`,
    );
    const note = html`<p class="reply">With a <code>request_id</code>: ${joined(links)}</p>`;
    return messages.map(({ $ref }) => frame(document, lastPart($ref), note));
  })}`;
}

/** Every frame that the server sends, grouped by recipient. */
export function serverFrames(document: AsyncApi): Html {
  return html`${Object.values(document.operations).map((operation) => {
    if (!("description" in operation)) return "";
    return html`<h3>${operation.summary}</h3>
      <p>${prose(operation.description)}</p>
      ${operation.messages.map(({ $ref }) => frame(document, lastPart($ref), ""))}`;
  })}`;
}

/** The named schemas that frames are made of. */
export function sharedSchemas(document: AsyncApi): Html {
  const { schemas, messages } = document.components;
  const shared = Object.entries(schemas).filter(([name]) => !(name in messages));
  return html`${shared.map(
    ([name, schema]) =>
      html`<article class="schema" id="${name}">
        <h4><a href="#${name}">${name}</a></h4>
        ${schema.description ? html`<p>${prose(schema.description)}</p>` : ""}
        ${schema.properties ? membersOf(schema) : html`<p class="type">${typeOf(schema)}</p>`}
      </article>`,
  )}`;
}

export function closeCodes(document: AsyncApi): Html {
  return html`<table class="codes">
    <thead>
      <tr>
        <th scope="col">Code</th>
        <th scope="col">Reason begins with</th>
        <th scope="col">Why</th>
        <th scope="col">Reconnect?</th>
        <th scope="col">What to do</th>
      </tr>
    </thead>
    <tbody>
      ${document.channels.socket["x-close-codes"].map(
        ({ code, reason, reconnect, when, then }) =>
          html`<tr>
            <td>${code}</td>
            <td><code>${reason}</code></td>
            <td>${prose(when)}</td>
            <td><span class="${reconnect ? "yes" : "no"}">${reconnect ? "yes" : "no"}</span></td>
            <td>${prose(then)}</td>
          </tr>`,
      )}
      <tr>
        <td>1006</td>
        <td></td>
        <td>The connection broke: there was no close frame.</td>
        <td><span class="yes">yes</span></td>
        <td>Reconnect with growing pauses that are partly left to chance, and catch up.</td>
      </tr>
    </tbody>
  </table>`;
}

export function errorCodes(document: AsyncApi): Html {
  return html`<dl class="members">
    ${document.channels.socket["x-error-codes"].map(
      ({ code, title, when, then }) =>
        html`<div>
          <dt><code>${code}</code> ${title}</dt>
          <dd>${prose(when)} ${prose(then)}</dd>
        </div>`,
    )}
  </dl>`;
}
