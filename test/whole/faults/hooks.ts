// Services that post by incoming webhooks, and repeat a message until it is acknowledged.
import { z } from "zod";
import { CreatedIncomingWebhook, HookMessage } from "../../../src/wire/incoming-webhooks.ts";
import { backoffMs } from "./backoff.ts";
import type { Figures } from "./figures.ts";
import type { Send } from "./history.ts";
import { problemCode, type Person } from "./people.ts";
import type { Random } from "./random.ts";

export interface Hook {
  chatId: number;
  /** The account that its messages have as their author. */
  userId: number;
  path: string;
}

const Created = CreatedIncomingWebhook.pick({ chat_id: true, user_id: true, url: true });
const notDone = ["lost", "unavailable", "internal", "flood"];

/** Creates an incoming webhook in each of some chats. */
export async function prepareHooks(owner: Person, chatIds: readonly number[]): Promise<Hook[]> {
  return await Promise.all(
    chatIds.map(async (chatId) => {
      const path = `/api/chats/${chatId}/hooks`;
      const reply = await owner.certainly("POST", path, { name: "Build results" });
      const { chat_id, user_id, url } = z.parse(Created, reply?.body);
      return { chatId: chat_id, userId: user_id, path: new URL(url).pathname };
    }),
  );
}

export interface PostingParts {
  hook: Hook;
  /** Carries the requests: an incoming webhook needs nobody to be signed in. */
  person: Person;
  sends: Send[];
  figures: Figures;
  retryMsMax: number;
  givenUpMs: number;
  onIncident: (words: string) => void;
}

/** Posts one message: tries with one Idempotency-Key until it is acknowledged, or refused for good. */
export async function postByHook(
  { hook, person, sends, figures, ...limits }: PostingParts,
  random: Random,
  number: string,
): Promise<void> {
  const send: Send = {
    chatId: hook.chatId,
    userId: hook.userId,
    clientId: number,
    content: `${number} ${random.pick(["passed", "/bot is no question here", "@all"])}`,
    asksBot: false,
    attachmentIds: [],
    acks: [],
    refusals: [],
    maybeStored: false,
  };
  sends.push(send);
  const begun = performance.now();
  for (let tries = 1; ; tries += 1) {
    const headers = { "idempotency-key": number };
    const reply = await person.api("POST", hook.path, { text: send.content }, headers);
    if (reply?.status === 200) {
      const { message_id: messageId, seq } = HookMessage.parse(reply.body);
      send.acks.push({ messageId, seq });
      figures.hookPosts += 1;
      return;
    }
    const code = reply ? problemCode(reply.body) : "lost";
    if (!notDone.includes(code)) return void send.refusals.push(code);
    send.maybeStored = true;
    if (code === "internal") limits.onIncident(`internal error for ${number}`);
    if (performance.now() - begun > limits.givenUpMs) {
      return limits.onIncident(`${number} was given up after ${tries} tries: ${code}`);
    }
    figures.retries += 1;
    await Bun.sleep(random.int(1, backoffMs(limits.retryMsMax, tries)));
  }
}
