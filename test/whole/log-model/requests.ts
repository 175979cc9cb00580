// The requests of a play, each over HTTP or a socket.
import type { Act, Client, Outcome, Sent } from "./acts.ts";

type Where = Pick<Client, "person" | "socket">;

export async function send(
  { person, socket }: Where,
  chatId: number,
  { clientId, content, replyTo }: Sent,
  overHttp: boolean,
): Promise<Outcome> {
  const body = { content, client_id: clientId, reply_to: replyTo };
  if (overHttp) {
    const path = `/api/chats/${chatId}/messages`;
    const { status, body: reply } = await person.api("POST", path, body);
    if (status === 200) return { messageId: reply.id, seq: reply.seq };
    return { code: codeOf(reply) };
  }
  const reply = await socket.ask({ type: "message", chat_id: chatId, ...body });
  if (reply.type !== "ack") return { code: String(reply.code) };
  return { messageId: Number(reply.message_id), seq: Number(reply.seq) };
}

/** Edits or deletes a message of anybody. */
export async function change(
  { person, socket }: Where,
  chatId: number,
  { kind, overHttp }: Extract<Act, { kind: "edit" | "delete" }>,
  messageId: number,
  body: object | undefined,
): Promise<Outcome> {
  if (overHttp) {
    const path = `/api/chats/${chatId}/messages/${messageId}`;
    const reply = await person.api(kind === "edit" ? "PATCH" : "DELETE", path, body);
    if (reply.status === 200) return { updatedSeq: reply.body.updated_seq };
    return { code: codeOf(reply.body) };
  }
  const request = { type: kind, chat_id: chatId, message_id: messageId, ...body };
  const reply = await socket.ask(request);
  if (reply.type !== "ack") return { code: String(reply.code) };
  return { updatedSeq: Number(reply.updated_seq) };
}

export async function react(
  { person, socket }: Where,
  chatId: number,
  { emoji, on, overHttp }: Extract<Act, { kind: "react" }>,
  messageId: number,
): Promise<Outcome> {
  if (overHttp) {
    const path = `/api/chats/${chatId}/messages/${messageId}/reactions/${encodeURIComponent(emoji)}`;
    const { status, body } = await person.api(on ? "PUT" : "DELETE", path);
    return { code: status === 200 ? undefined : codeOf(body) };
  }
  const ids = { chat_id: chatId, message_id: messageId };
  const reply = await socket.ask({ type: "react", ...ids, emoji, on });
  return { code: reply.type === "ack" ? undefined : String(reply.code) };
}

function codeOf(problem: { type?: unknown }): string | undefined {
  return String(problem.type).split("/").at(-1);
}
