// The AsyncAPI 3.0 document of the socket. Its schemas are those that parse and type the frames.
import { ClientFrame, frameBytesMax } from "../client-frames.ts";
import { closeCodes, type CloseReason } from "../close-codes.ts";
import { serverFrames } from "../server-frames.ts";
import { problemCatalogue } from "../problems.ts";
import { clientNotes } from "./client-frames.ts";
import { closeNotes } from "./close-codes.ts";
import { errorNotes } from "./errors.ts";
import { addressees } from "./examples.ts";
import { clientKey, frameMessages, namesOf, serverKey, type Reference } from "./frame-messages.ts";
import { serverNotes } from "./server-frames.ts";

export interface CloseCode {
  code: number;
  /** The word that the reason of the close frame begins with. */
  reason: string;
  reconnect: boolean;
  when: string;
  then: string;
}

const toMessage = (key: string): Reference => ({ $ref: `#/channels/socket/messages/${key}` });
const channel: Reference = { $ref: "#/channels/socket" };

function operations() {
  const received = ClientFrame.options.map(({ shape: { type } }) => {
    const { summary, reply } = clientNotes[type.value];
    return [
      type.value,
      {
        action: "receive" as const,
        channel,
        title: type.value,
        summary,
        messages: [toMessage(clientKey(type.value))],
        reply: {
          channel,
          messages: [toMessage(serverKey(reply)), toMessage(serverKey("error"))],
        },
      },
    ] as const;
  });
  const sent = namesOf(addressees).map((to) => {
    const names = namesOf(serverFrames).filter((name) => serverNotes[name].to === to);
    return [
      `to_${to}`,
      {
        action: "send" as const,
        channel,
        title: `to_${to}`,
        ...addressees[to],
        messages: names.map((name) => toMessage(serverKey(name))),
      },
    ] as const;
  });
  return { received: Object.fromEntries(received), sent: Object.fromEntries(sent) };
}

const securitySchemes = {
  token: {
    type: "httpApiKey",
    in: "query",
    name: "token",
    description:
      "Connect to `/ws?token=` with the `access_token` of `POST /api/auth/login`, which is a JWT. This opens a merged socket; " +
      "`&frames=flat` makes it a lean one.",
  },
  ticket: {
    type: "httpApiKey",
    in: "query",
    name: "token",
    description:
      "Connect to `/ws?token=` with the `ticket` of `POST /api/auth/ws-ticket`. A ticket opens one socket and expires " +
      "after 30 s. It keeps access tokens out of URLs, which logs and browser histories record.",
  },
  auth_frame: {
    type: "apiKey",
    in: "password",
    description:
      "Connect without a token, then send `auth` with an access token, a ticket or an access key as the first frame, within 5 s. " +
      "Programs send the `key` of `POST /api/auth/keys` or `POST /api/bots/{bot_id}/keys`.",
  },
} as const;

/** The close codes of this server, and the reaction that each asks of a client. */
export function closeCodeTable(): CloseCode[] {
  return namesOf(closeCodes).map((reason: CloseReason) => ({
    code: closeCodes[reason].code,
    reason,
    reconnect: closeCodes[reason].reconnect,
    ...closeNotes[reason],
  }));
}

/** @param host the host and port by which the client reaches this server, such as `localhost:8000` */
export function serversAt(host: string) {
  const security = namesOf(securitySchemes).map((name) => ({
    $ref: `#/components/securitySchemes/${name}`,
  }));
  return {
    tls: {
      host,
      protocol: "wss",
      description: "For a server that is reached over HTTPS",
      security,
    },
    plain: {
      host,
      protocol: "ws",
      description: "For a server that is reached over HTTP",
      security,
    },
  };
}

export type AsyncApi = ReturnType<typeof asyncApi>;

export function asyncApi(version: string) {
  const { schemas, messages } = frameMessages();
  const { received, sent } = operations();
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Gemini Coop's socket",
      version,
      description:
        "All live events come over one WebSocket. Each frame is a text frame that holds one JSON object. A client's " +
        `frames have at most ${frameBytesMax / 1024} KiB. The operations that receive describe the frames that a client sends. ` +
        "Later versions may add members: ignore those that you don't know. `/docs/socket` explains how to connect, catch up " +
        "and show answers. `/openapi.json` describes the HTTP API.",
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    defaultContentType: "application/json",
    servers: serversAt("localhost:8000"),
    channels: {
      socket: {
        address: "/ws",
        title: "The socket",
        description:
          "A client opens one socket for all its chats. A page whose origin is not in CORS_ORIGINS is refused with 403.",
        messages: Object.fromEntries(
          Object.keys(messages).map((key) => [key, { $ref: `#/components/messages/${key}` }]),
        ),
        bindings: {
          ws: {
            method: "GET",
            query: {
              type: "object",
              properties: {
                token: {
                  type: "string",
                  description:
                    "An access token or a ticket. Without this parameter the first frame must be `auth`.",
                },
                frames: {
                  type: "string",
                  enum: ["flat"],
                  description: "With an access token: frames without the nested `message`.",
                },
              },
            },
            bindingVersion: "0.1.0",
          },
        },
        "x-close-codes": closeCodeTable(),
        "x-error-codes": namesOf(errorNotes).map((code) => ({
          code,
          title: problemCatalogue[code].title,
          ...errorNotes[code],
        })),
      },
    },
    operations: { ...received, ...sent },
    components: {
      schemas,
      messages,
      securitySchemes,
      correlationIds: {
        request: {
          description: "A string or an integer that the client chooses",
          location: "$message.payload#/request_id",
        },
      },
    },
  };
}
