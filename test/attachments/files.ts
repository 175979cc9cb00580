// Uploads of tests, which are sent as they are.
import { Attachment } from "../../src/wire/attachments.ts";
import type { Answer, Person, World } from "../world/world.ts";

export interface Sent {
  name?: string;
  clientId?: string;
  kind?: "voice";
  headers?: Record<string, string>;
}

/** The path of an upload. */
export function uploadPath(chatId: number, { name, clientId, kind }: Sent = {}): string {
  const query = new URLSearchParams();
  if (name !== undefined) query.set("name", name);
  if (clientId !== undefined) query.set("client_id", clientId);
  if (kind !== undefined) query.set("kind", kind);
  return `/api/chats/${chatId}/attachments?${query.toString()}`;
}

/** Sends a body as it is. */
export async function send(
  world: World,
  person: Pick<Person, "token">,
  method: string,
  path: string,
  { body, headers = {} }: { body?: Bun.BodyInit; headers?: Record<string, string> } = {},
) {
  return await fetch(world.url + path, {
    method,
    headers: { authorization: `Bearer ${person.token}`, ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

/** Sends a body and reads an answer in JSON. */
export async function ask(...request: Parameters<typeof send>): Promise<Answer> {
  const answer = await send(...request);
  const body: Answer["body"] = await answer.json();
  return { status: answer.status, headers: answer.headers, body };
}

/** Uploads a file that is accepted. */
export async function uploaded(
  world: World,
  person: Pick<Person, "token">,
  chatId: number,
  body: Bun.BodyInit,
  sent: Sent = {},
): Promise<Attachment> {
  const headers = { "content-type": "application/octet-stream", ...sent.headers };
  const answer = await send(world, person, "POST", uploadPath(chatId, sent), { body, headers });
  const attachment: unknown = await answer.json();
  if (answer.status !== 200) throw new Error(JSON.stringify(attachment));
  return Attachment.parse(attachment);
}

/** Downloads as a person. */
export async function download(
  world: World,
  person: Pick<Person, "token">,
  path: string,
  headers: Record<string, string> = {},
) {
  const answer = await send(world, person, "GET", path, { headers });
  return { status: answer.status, headers: answer.headers, bytes: await answer.bytes() };
}

export const sha256 = (bytes: Uint8Array | string) =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
