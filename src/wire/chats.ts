import { z } from "zod";
import { Id, numeric, Seq, text, Time } from "./text.ts";
import { UsernameSought } from "./users.ts";

/** People in one group chat at most. A private chat holds two. */
export const groupSizeMax = 2_000;
/** Chats of one person at most; the chat list is never longer. */
export const chatsPerUserMax = 1_000;

const chatName = (min: number) => text({ min, max: 100 }).meta({ example: "Physics homework" });

/** Characters of a persona at most. */
export const personaMax = 4_000;

/** How the model answers in a chat. null leaves it to the server. */
export const ChatSettings = z
  .object({
    model: z.string().nullable().meta({ description: "One of `GET /api/models`" }),
    persona: z.string().nullable().meta({ description: "Who the model is in this chat" }),
    temperature: z.number().nullable().meta({ description: "0 (sober) to 2 (wild)" }),
    thinking_budget: z.int().nullable().meta({
      description: "Tokens of thought: 0 for none, -1 for as many as the model likes",
    }),
    google_search: z.boolean().meta({ description: "Whether it may search the web" }),
  })
  .meta({ id: "ChatSettings" });
export type ChatSettings = z.infer<typeof ChatSettings>;

/** Thoughts of the largest models; a smaller one is asked for as many as it can. */
const thinkingBudgetMax = 32_768;

/** A part of a chat's settings. null puts a member back to the server's choice; one that is not there stays. */
export const ChatSettingsInput = z
  .object({
    model: z.string().nullable().optional().meta({ description: "One of `GET /api/models`" }),
    persona: text({ min: 0, max: personaMax })
      .nullable()
      .transform((persona) => persona || null)
      .optional()
      .meta({ description: "Who the model is in this chat; blank: nobody in particular" }),
    temperature: z.number().min(0).max(2).nullable().optional().meta({
      description: "0 (sober) to 2 (wild)",
    }),
    thinking_budget: z.int().min(-1).max(thinkingBudgetMax).nullable().optional().meta({
      description: "Tokens of thought: 0 for none, -1 for as many as the model likes",
    }),
    google_search: z
      .boolean()
      .nullable()
      .transform((search) => search ?? false)
      .optional()
      .meta({ description: "Whether it may search the web" }),
  })
  .meta({
    id: "ChatSettingsInput",
    description: "Members that are not there stay as they are; null is the server's choice",
    example: { persona: "A patient teacher of physics.", temperature: 0.3 },
  });
export type ChatSettingsInput = z.infer<typeof ChatSettingsInput>;

export const Chat = z
  .object({
    id: Id,
    name: z.string().meta({
      description:
        "Of a private chat that nobody has named: the other person's username, for each of the two",
    }),
    is_named: z.boolean().meta({
      description:
        "Whether it was given a name. False in private chats only: `name` then differs for its two people, and in a " +
        "frame to both of them, such as `chat_updated`, it is that of neither: show the other person's username",
    }),
    owner_id: Id,
    is_group: z.boolean(),
    is_ai_chat: z.boolean(),
    created_at: Time,
    last_seq: Seq.meta({ description: "The room's newest number" }),
    updated_seq: Seq.meta({
      description: "The number of the last change of the chat or its members",
    }),
    settings: ChatSettings,
  })
  .meta({ id: "Chat" });
export type Chat = z.infer<typeof Chat>;

export const ChatSummary = Chat.extend({
  unread_count: z.int().nonnegative().meta({
    description: "Messages of others, the bot's too, above the read position",
  }),
  last_message: z.string().nullable().meta({ description: "The newest message's text" }),
  last_message_time: Time.nullable(),
}).meta({ id: "ChatSummary" });
export type ChatSummary = z.infer<typeof ChatSummary>;

export const Participant = z
  .object({
    id: Id.meta({ description: "The user's id" }),
    username: z.string(),
    role: z.enum(["owner", "member"]),
    joined_at: Time,
    created_at: Time.meta({ description: "When the user registered" }),
  })
  .meta({ id: "Participant" });
export type Participant = z.infer<typeof Participant>;

export const CreateChatInput = z
  .object({
    name: chatName(0)
      .nullish()
      .meta({
        description:
          "Without one a group is named after its people, and a private chat is shown to each of the two under the " +
          "other's name. Ignored where their private chat exists",
      }),
    is_group: z.boolean().default(false),
    is_ai_chat: z.boolean().default(false),
    participant_usernames: z.array(UsernameSought).max(groupSizeMax).nullish(),
  })
  // As it is proposed on the docs page: with other people it would work only once they have registered.
  .meta({ id: "CreateChatInput", example: { name: "Physics homework", is_group: true } });
export type CreateChatInput = z.infer<typeof CreateChatInput>;

export const UpdateChatInput = z
  .object({
    name: chatName(1).optional().meta({
      description: "The name under which the caller sees the chat already changes nothing",
    }),
    owner_id: Id.optional().meta({ description: "Hands the chat over to this participant" }),
    settings: ChatSettingsInput.optional(),
  })
  .meta({ id: "UpdateChatInput" });
export type UpdateChatInput = z.infer<typeof UpdateChatInput>;

export const InviteInput = z.object({ username: UsernameSought }).meta({ id: "InviteInput" });

export const Invitation = z
  .object({ message: z.string(), participant: Participant })
  .meta({ id: "Invitation" });

export const MarkReadInput = z
  .object({
    seq: Seq.optional().meta({ description: "Default: the newest, as for any higher number" }),
  })
  .meta({ id: "MarkReadInput" });

export const ReadPosition = z
  .object({ success: z.literal(true), last_read_seq: Seq })
  .meta({ id: "ReadPosition" });

export const ChatPath = z.object({ chat_id: numeric({ min: 1 }).meta({ example: 1 }) });
export const ParticipantPath = ChatPath.extend({
  user_id: numeric({ min: 1 }).meta({ example: 2 }),
});
