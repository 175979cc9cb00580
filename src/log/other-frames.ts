// The frames in a gap of the live ones that don't show a whole message: those of the chat, its people, and reactions.
import { z } from "zod";
import { many, type Fragment, type Sql } from "../database/connect.ts";
import { Chat, Participant } from "../wire/chats.ts";
import { avatarUrl } from "./picture-columns.ts";
import type { DurableFrame } from "../wire/frames.ts";

const reaction = {
  number: z.int(),
  message_id: z.int(),
  emoji: z.string(),
  emoji_count: z.int(),
  person: z.object({ user_id: z.int(), username: z.string() }),
};

const OtherChange = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("reaction_added"), ...reaction }),
  z.object({ kind: z.literal("reaction_removed"), ...reaction }),
  z.object({ number: z.int(), kind: z.literal("chat_updated"), chat: Chat }),
  z.object({
    number: z.int(),
    kind: z.literal("participant_added"),
    participant: Participant,
  }),
  z.object({
    number: z.int(),
    kind: z.literal("participant_updated"),
    participant: Participant,
  }),
  z.object({
    number: z.int(),
    kind: z.literal("participant_removed"),
    person: z.object({ user_id: z.int(), username: z.string() }),
  }),
]);

/** Reads the frames of a chat above a number, up to another one. */
export async function readOtherFrames(
  sql: Sql,
  chat: Chat,
  after: number,
  upTo: number,
): Promise<DurableFrame[]> {
  return await readFrames(sql, chat, sql`change.seq > ${after} and change.seq <= ${upTo}`);
}

/** Reads the frames of a chat that took one of some numbers. */
export async function readFramesOf(
  sql: Sql,
  chat: Chat,
  numbers: readonly number[],
): Promise<DurableFrame[]> {
  return await readFrames(sql, chat, sql`change.seq = any (${numbers}::bigint[])`);
}

async function readFrames(sql: Sql, chat: Chat, where: Fragment): Promise<DurableFrame[]> {
  const rows = await sql`
    select change.seq as number, change.kind, change.user_id, u.username,
      change.message_id, change.emoji, change.emoji_count, u.created_at, u.display_name, ${avatarUrl(sql)} as avatar_url,
      u.bot_owner_id is not null as is_bot_account, coalesce(p.joined_at, change.created_at) as joined_at,
      coalesce(p.role, 'member') as role
    from chat_changes change
    left join users u on u.id = change.user_id
    left join chat_participants p on p.chat_id = change.chat_id and p.user_id = change.user_id
    where change.chat_id = ${chat.id} and ${where}
      and change.kind not in ('message_updated', 'answer_ended')
  `;
  const changes = many(
    rows.map(
      ({
        user_id,
        username,
        created_at,
        display_name,
        avatar_url,
        is_bot_account,
        joined_at,
        role,
        ...change
      }) => ({
        ...change,
        chat,
        person: { user_id, username },
        // The person may have left again by now.
        participant: {
          id: user_id,
          username,
          role: user_id === chat.owner_id ? "owner" : role,
          joined_at,
          created_at,
          display_name,
          avatar_url,
          is_bot_account,
        },
      }),
    ),
    OtherChange,
  );
  return changes.map((change): DurableFrame => {
    const head = { chat_id: chat.id, updated_seq: change.number };
    switch (change.kind) {
      case "chat_updated":
        return { type: "chat_updated", ...head, chat };
      case "participant_added":
        return { type: "participant_added", ...head, participant: change.participant };
      case "participant_updated":
        return { type: "participant_updated", ...head, participant: change.participant };
      case "participant_removed":
        return { type: "participant_removed", ...head, ...change.person };
      case "reaction_added":
      case "reaction_removed":
        return {
          type: "reaction",
          chat_id: chat.id,
          message_id: change.message_id,
          emoji: change.emoji,
          ...change.person,
          on: change.kind === "reaction_added",
          count: change.emoji_count,
          updated_seq: change.number,
        };
    }
  });
}
