// Groups of messages that are stored by one statement. Its text depends on what is among them.
import { beforeAll, expect, test } from "bun:test";
import { insertRun } from "../../src/answers/budget/queries.ts";
import { insertMessages, type NewMessage } from "../../src/log/insert.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let stranger: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  stranger = await world.person("stranger");
});

const noLimits = { userTokens: 0, chatTokens: 0, userAnswers: 0, chatAnswers: 0 };

async function newRun(chatId: number): Promise<number> {
  const run = { chatId, userId: ann.id, tokensMin: 1, tokensWanted: 1, leaseSeconds: 60 };
  return Number((await insertRun(world.sql, { ...run, limits: noLimits })).run_id);
}

/** Every set of the parts that a statement may have. */
const sets = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => ({
  asks: (bits & 1) > 0,
  replies: (bits & 2) > 0,
  mentions: (bits & 4) > 0,
}));

test.each(sets)(
  "a group with %o stores each message whose sender may send it, and refuses the others",
  async ({ asks, replies, mentions }) => {
    const chat = await ann.chat({ with: [ben] });
    const aiChat = await ann.chat({ is_ai_chat: true });
    const known = await ann.say(chat.id, "known", "known");
    const from = ({ id: userId, username }: Person, more: Partial<NewMessage>): NewMessage => ({
      chatId: chat.id,
      userId,
      username,
      content: "plain",
      clientId: undefined,
      runId: undefined,
      ...more,
    });
    const items = [
      from(ann, {}),
      from(stranger, {}),
      from(ann, { content: "known", clientId: "known" }),
      from(ann, { chatId: aiChat.id }),
      ...(asks ? [from(ann, { content: "/bot why?", runId: await newRun(chat.id) })] : []),
      ...(asks ? [from(ann, { content: "/bot late?", runId: 999_999 })] : []),
      ...(replies ? [from(ben, { content: "reply", replyTo: known.id })] : []),
      ...(mentions ? [from(ben, { content: "@ann", mentions: [ann.id, stranger.id] })] : []),
      from(ben, { content: "last" }),
    ];
    const outcomes = await insertMessages(world.sql, items, { leaseSeconds: 6 });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      "sent",
      "stranger",
      "known",
      "must_ask",
      ...(asks ? (["sent", "late"] as const) : []),
      ...(replies ? (["sent"] as const) : []),
      ...(mentions ? (["sent"] as const) : []),
      "sent",
    ]);
    const sent = outcomes.flatMap((outcome) =>
      outcome.outcome === "sent"
        ? [outcome.message, ...(outcome.answer ? [outcome.answer] : [])]
        : [],
    );
    expect(sent.map(({ seq }) => seq)).toEqual(sent.map((_, index) => known.seq + 1 + index));
    expect(sent.find(({ content }) => content === "reply")?.reply_to).toBe(
      replies ? known.id : undefined,
    );
    expect(sent.find(({ content }) => content === "@ann")?.mentions).toEqual(
      mentions ? [ann.id] : undefined,
    );
    const { body: history } = await ann.api("GET", `/api/chats/${chat.id}/messages`);
    expect(history).toEqual([known, ...sent]);
  },
);
