// People who use the server over HTTP as any client does, and try again for as long as it takes.
import { z } from "zod";
import { Message } from "../../../src/wire/messages.ts";
import { backoffMs } from "./backoff.ts";
import type { Load } from "./history.ts";

const replyMsMax = 20_000;
const retryMs = 50;
const saveMsMax = 60_000;
const certainMsMax = 180_000;
const pageSize = 200;

export interface Reply {
  status: number;
  body: unknown;
}

const Tokens = z.object({ access_token: z.string() });
const User = z.object({ id: z.int() });
const Problem = z.object({ type: z.string() });

export type Person = Awaited<ReturnType<typeof registerPerson>>;

/** The password of everybody. */
export const password = "correct horse battery";

/** Registers somebody and signs them in. */
export async function registerPerson(url: string, username: string) {
  const email = `${username}@example.com`;
  const sign = (action: string, body: object) =>
    untilCertain(() => ask(url, "POST", `/api/auth/${action}`, body));
  // One that is repeated after its reply was lost is refused, since the person is there.
  await sign("register", { username, email, password });
  const login = await sign("login", { username, password });
  if (login?.status !== 200) {
    throw new Error(`${username} could not sign in: ${JSON.stringify(login)}`);
  }
  const token = Tokens.parse(login.body).access_token;
  const headers = { authorization: `Bearer ${token}` };

  const api = (method: string, path: string, body?: unknown, more: Record<string, string> = {}) =>
    ask(url, method, path, body, { ...headers, ...more });

  const certainly = (method: string, path: string, body?: unknown) =>
    untilCertain(() => api(method, path, body));
  const user = await certainly("GET", "/api/auth/me");

  /** Reads a file, and again until it is certain. @returns undefined if there is none */
  async function download(path: string): Promise<Uint8Array | undefined> {
    const deadline = performance.now() + certainMsMax;
    for (let tries = 1; performance.now() < deadline; tries += 1) {
      const signal = AbortSignal.timeout(replyMsMax);
      const response = await fetch(url + path, { headers, signal }).catch(() => undefined);
      const bytes = await response?.bytes().catch(() => undefined);
      if (response?.status === 200 && bytes) return bytes;
      if (response && response.status < 500 && response.status !== 200) return undefined;
      await Bun.sleep(backoffMs(retryMs, tries));
    }
    return undefined;
  }

  /** Loads a chat as somebody does who has nothing of it. */
  async function load(chatId: number): Promise<Load["found"]> {
    const messages: Message[] = [];
    for (;;) {
      const after = messages.at(-1)?.seq ?? 0;
      const path = `/api/chats/${chatId}/messages?limit=${pageSize}&after_seq=${after}`;
      const reply = await certainly("GET", path);
      if (reply?.status !== 200) return undefined;
      const page = z.array(Message).parse(reply.body);
      messages.push(...page);
      if (page.length < pageSize) break;
    }
    const people = await certainly("GET", `/api/chats/${chatId}/participants`);
    if (people?.status !== 200) return undefined;
    return {
      messages,
      participants: z
        .array(User)
        .parse(people.body)
        .map(({ id }) => id),
    };
  }

  return {
    id: User.parse(user?.body).id,
    username,
    save: (path: string) => save(url + path, headers),
    socketUrl: `${url.replace("http", "ws")}/ws?token=${token}&frames=flat`,
    api,
    certainly,
    download,
    load,
  };
}

/** Asks again until the outcome is certain: done, or refused. Undefined after some minutes. */
async function untilCertain(ask: () => Promise<Reply | undefined>): Promise<Reply | undefined> {
  const deadline = performance.now() + certainMsMax;
  for (let tries = 1; performance.now() < deadline; tries += 1) {
    const reply = await ask();
    if (reply && reply.status < 500 && reply.status !== 429) return reply;
    await Bun.sleep(backoffMs(retryMs, tries));
  }
  return undefined;
}

const typeOf = (body: unknown) =>
  body instanceof Uint8Array ? "application/octet-stream" : "application/json";

/** @param body bytes as they are, others as JSON @returns undefined when no answer came */
async function ask(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply | undefined> {
  try {
    const response = await fetch(url + path, {
      method,
      // Bun repeats a PUT or a DELETE by itself when a connection breaks that was used before, as RFC 9110, section 9.2.2, allows.
      // The first one may then take effect after all that follows, and nobody here would know that there were two.
      keepalive: method !== "PUT" && method !== "DELETE",
      headers: { ...(body !== undefined && { "content-type": typeOf(body) }), ...headers },
      body: body instanceof Uint8Array ? new Blob([body]) : JSON.stringify(body),
      signal: AbortSignal.timeout(replyMsMax),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** A file as a client has it in the end. */
export interface SavedFile {
  /** Undefined when no answer came. */
  status: number | undefined;
  /** The part that has arrived. */
  text: string;
  /** The client was told that the connection broke. */
  isBroken: boolean;
}

async function save(url: string, headers: Record<string, string>): Promise<SavedFile> {
  const file: SavedFile = { status: undefined, text: "", isBroken: false };
  const decoder = new TextDecoder();
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(saveMsMax) });
    file.status = response.status;
    for await (const chunk of response.body ?? []) {
      file.text += decoder.decode(chunk, { stream: true });
    }
  } catch {
    file.isBroken = true;
  }
  return file;
}

export function problemCode(body: unknown): string {
  const problem = Problem.safeParse(body);
  return problem.success ? (problem.data.type.split("/").at(-1) ?? "") : "";
}
