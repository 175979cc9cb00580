// A room whose people send files and ask about them, and what the model is sent then.
import { uploaded, type Sent } from "../../attachments/files.ts";
import { answer, finish, say } from "../../world/gemini/script.ts";
import type { Person, World } from "../../world/world.ts";
import { answerEnds, lastRequest, room } from "../room.ts";

/** A PDF of so many pages, with random bytes so that it differs from others and is as large as wanted. */
export function makePdf(pages: number, bytes = 0): Uint8Array<ArrayBuffer> {
  const objects = Array.from({ length: pages }, () => "1 0 obj <</Type /Page>> endobj").join("\n");
  const filler = crypto.getRandomValues(new Uint8Array(32)).toHex();
  return new Uint8Array(
    Buffer.concat([Buffer.from(`%PDF-1.7\n${objects}\n% ${filler}\n`), Buffer.alloc(bytes, "% x")]),
  );
}

/** Larger than what goes along with a request. */
export const large = 1_200_000;

export async function roomWithFiles(world: World, more: Record<string, unknown> = {}) {
  const { chat, anna, ben, annas } = await room(world, more);
  const upload = (body: Bun.BodyInit, sent: Sent = {}, who: Person = anna) =>
    uploaded(world, who, chat.id, body, { name: "a.pdf", ...sent });
  const post = (body: object, who: Person = anna) =>
    who.api("POST", `/api/chats/${chat.id}/messages`, { content: "", ...body });
  return {
    chat,
    anna,
    ben,
    annas,
    upload,
    post,
    /** Sends files in a message. */
    async share(files: { id: number }[], content = "look", who: Person = anna) {
      const { status, body } = await post(
        { content, attachment_ids: files.map(({ id }) => id) },
        who,
      );
      if (status !== 200) throw new Error(JSON.stringify(body));
      return body;
    },
    /** Asks, and waits for the end of the answer. @returns what the model was sent at last */
    async ask(content: string, body: object = {}) {
      world.gemini.respondWith(answer(say("Well."), finish()));
      const sent = await post({ content, ...body });
      if (sent.status !== 200) throw new Error(JSON.stringify(sent.body));
      const { messageId, last } = await answerEnds(annas);
      world.gemini.forgetScripts();
      return { question: sent.body, messageId, last, ...sentParts(world) };
    },
    async receipt(messageId: number) {
      const path = `/api/chats/${chat.id}/messages/${messageId}/context`;
      const { body } = await anna.api("GET", path);
      return body;
    },
  };
}

/** The parts of the newest request, and its texts without the codes of labels. */
export function sentParts(world: World) {
  const { body } = lastRequest(world);
  const parts = body.contents.flatMap((content) => content.parts);
  const text = parts.map((part) => part.text ?? "").join("");
  return {
    parts,
    text: text.replaceAll(/#0[\da-f]{7}/g, "#code"),
    uris: parts.flatMap(({ fileData }) => (fileData ? [fileData.fileUri] : [])),
    inline: parts.flatMap(({ inlineData }) => (inlineData ? [inlineData] : [])),
  };
}
