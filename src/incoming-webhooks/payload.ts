// The text of a message in the form of Slack's senders: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
import { isUtf8 } from "node:buffer";
import { z } from "zod";
import { HookMessageInput } from "../wire/incoming-webhooks.ts";
import { Content } from "../wire/messages.ts";
import { invalidInput, Problem } from "../wire/problems.ts";

/** Blocks lie in each other only a few levels deep. */
const blockDepthMax = 8;

const OldAttachment = z.object({
  pretext: z.string().nullish(),
  title: z.string().nullish(),
  text: z.string().nullish(),
  fallback: z.string().nullish(),
});

const Payload = HookMessageInput.extend({
  text: z.string().nullish(),
  attachments: z.array(OldAttachment).nullish(),
  blocks: z.array(z.unknown()).nullish(),
});

/**
 * Reads the text of a message: from JSON, or from the field `payload` of a form.
 * @throws Problem `not_json`, `unsupported_media_type`, `invalid` for a message without text, and for one that is too long
 */
export function readPayload(contentType: string | undefined, body: ArrayBuffer): string {
  const payload = Payload.safeParse(parseBody(contentType, body));
  if (!payload.success) throw invalidInput(payload.error);
  const text = withoutSlackMarks(textOf(payload.data)).trim();
  if (text === "") throw invalid('The message has no text. Send {"text": "…"}.');
  const content = Content.safeParse(text);
  if (content.success) return content.data;
  throw invalid(`text: ${invalidInput(content.error).detail.replace(/^The input /, "")}`);
}

function invalid(detail: string): Problem {
  return new Problem("invalid", detail, { errors: [{ pointer: "/text", detail }] });
}

function parseBody(contentType = "", body: ArrayBuffer): unknown {
  if (!isUtf8(body)) throw new Problem("not_json", "The body is not valid UTF-8.");
  const text = new TextDecoder().decode(body);
  if (/^application\/x-www-form-urlencoded *(;|$)/i.test(contentType)) {
    return parseJson(
      new URLSearchParams(text).get("payload"),
      "The form has no field `payload` with JSON.",
    );
  }
  if (/^application\/([\w.+-]+\+)?json *(;|$)/i.test(contentType)) {
    return parseJson(text, "The body is not valid JSON.");
  }
  throw new Problem(
    "unsupported_media_type",
    "Send the body as JSON, with the header Content-Type: application/json, or as a form with the field payload.",
  );
}

function parseJson(text: string | null, refusal: string): unknown {
  if (text === null) throw new Problem("not_json", refusal);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem("not_json", refusal, { cause: error });
  }
}

function textOf({ text, blocks, attachments }: z.infer<typeof Payload>): string {
  const own = text?.trim() ? [text] : textsOfBlocks(blocks ?? []);
  return [...own, ...(attachments ?? []).map(textOfAttachment)]
    .filter((part) => part.trim() !== "")
    .join("\n");
}

function textOfAttachment({ pretext, title, text, fallback }: z.infer<typeof OldAttachment>) {
  const parts = [pretext, title, text].filter((part) => part?.trim());
  return parts.length > 0 ? parts.join("\n") : (fallback ?? "");
}

const Block = z.object({
  text: z.unknown().optional(),
  fields: z.array(z.unknown()).optional().catch(undefined),
  elements: z.array(z.unknown()).optional().catch(undefined),
});

/** The texts of blocks in their order. What a block shows besides text is left out. */
function textsOfBlocks(blocks: readonly unknown[], depth = 0): string[] {
  if (depth === blockDepthMax) return [];
  return blocks.flatMap((block) => {
    const parsed = Block.safeParse(block);
    if (!parsed.success) return [];
    const { text, fields = [], elements = [] } = parsed.data;
    if (typeof text === "string") return [text];
    const inner = textsOfBlocks(elements, depth + 1);
    return [
      ...textsOfBlocks(text === undefined ? [] : [text], depth + 1),
      ...textsOfBlocks(fields, depth + 1),
      // Elements are parts of one line, or lines of a list.
      ...(depth === 0 ? [inner.join(" ")] : inner),
    ];
  });
}

/** Turns Slack's links into Markdown, and its escapes into characters. Its `<!channel>` and `<@U123>` mention nobody here. */
function withoutSlackMarks(text: string): string {
  return text
    .replaceAll(
      /<((?:https?:\/\/|mailto:)[^\s<>|]+)(?:\|([^<>]*))?>/g,
      (_, address: string, words: string | undefined) =>
        words ? `[${words.replaceAll(/[[\]]/g, "")}](${address})` : address,
    )
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
