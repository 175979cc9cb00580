import { z } from "zod";
import { Id, numeric, Seq, text, Time, TimeInput } from "./text.ts";
import { ShownMembers, UsernameSought } from "./users.ts";

/** Limit of participants in a group chat. A private chat holds two. */
export const groupSizeMax = 2_000;
/** Limit of `mention_count`: further mentions are not counted. */
export const mentionCountMax = 1_000;
/** Limit of chats of one person, and with it of the chat list. */
export const chatsPerUserMax = 1_000;
/** The detail of `not_found` for a chat that does not exist, or that the caller may not see. Neither can be told from the other. */
export const chatNotFoundDetail = "There is no such chat, or you are not in it.";

const chatName = (min: number) => text({ min, max: 100 }).meta({ example: "Physics homework" });

/** Limit of a persona in characters. */
export const personaMax = 4_000;

/** The model's settings in a chat. null stands for the server's default. */
export const ChatSettings = z
  .object({
    model: z.string().nullable().meta({ description: "One of `GET /api/models`" }),
    persona: z
      .string()
      .nullable()
      .meta({ description: "The character that the model takes on in this chat" }),
    temperature: z
      .number()
      .nullable()
      .meta({ description: "From 0, the most predictable, to 2, the most varied" }),
    thinking_budget: z.int().nullable().meta({
      description: "Thinking tokens: 0 for none, -1 for as many as the model decides",
    }),
    google_search: z.boolean().meta({ description: "Whether the model may search the web" }),
  })
  .meta({ id: "ChatSettings" });
export type ChatSettings = z.infer<typeof ChatSettings>;

/** The thinking budget of the largest models. Smaller models are asked for as much as they support. */
const thinkingBudgetMax = 32_768;

/** Changes to a chat's settings. null resets a member to the server's default; an absent member stays as it is. */
export const ChatSettingsInput = z
  .object({
    model: z.string().nullable().optional().meta({ description: "One of `GET /api/models`" }),
    persona: text({ min: 0, max: personaMax })
      .nullable()
      .transform((persona) => persona || null)
      .optional()
      .meta({
        description: "The character that the model takes on in this chat. A blank text removes it.",
      }),
    temperature: z.number().min(0).max(2).nullable().optional().meta({
      description: "From 0, the most predictable, to 2, the most varied",
    }),
    thinking_budget: z.int().min(-1).max(thinkingBudgetMax).nullable().optional().meta({
      description: "Thinking tokens: 0 for none, -1 for as many as the model decides",
    }),
    google_search: z
      .boolean()
      .nullable()
      .transform((search) => search ?? false)
      .optional()
      .meta({ description: "Whether the model may search the web" }),
  })
  .meta({
    id: "ChatSettingsInput",
    description: "Absent members stay as they are. null resets a member to the server's default.",
    example: { persona: "A patient teacher of physics.", temperature: 0.3 },
  });
export type ChatSettingsInput = z.infer<typeof ChatSettingsInput>;

export const Chat = z
  .object({
    id: Id,
    name: z.string().meta({
      description:
        "A private chat that nobody has named is shown to each of its two people under the other person's username.",
    }),
    is_named: z.boolean().meta({
      description:
        "Whether somebody has named the chat. It is false in private chats only. `name` then differs for the two people, and " +
        "a frame to both of them, such as `chat_updated`, has the right name for neither: show the other person's username.",
    }),
    owner_id: Id,
    is_group: z.boolean(),
    is_ai_chat: z.boolean(),
    created_at: Time,
    last_seq: Seq.meta({ description: "The newest number in the room's log" }),
    updated_seq: Seq.meta({
      description: "The number of the last change of the chat or its members",
    }),
    settings: ChatSettings,
    picture_url: z
      .string()
      .nullable()
      .meta({
        description:
          "The path of the chat's picture on this server, of 256 pixels; with `?size=64` of 64. It needs a token, and changes with the " +
          "picture. null: no picture",
      }),
  })
  .meta({ id: "Chat" });
export type Chat = z.infer<typeof Chat>;

/** The preferences of a participant for a chat in their own list of chats. */
export const ChatPreferences = z.object({
  muted_until: Time.nullable().meta({
    description:
      "Notifications are off until this time; null if they are on. A client ends it by its own clock.",
  }),
  pinned: z.boolean().meta({ description: "Whether the person wants the chat above the others" }),
});
export type ChatPreferences = z.infer<typeof ChatPreferences>;

export const ChatPreferencesInput = z
  .object({
    muted_until: TimeInput.nullable().optional().meta({
      description:
        "null and a past time turn notifications on. `9999-12-31T23:59:59.999Z` stands for ever.",
    }),
    pinned: ChatPreferences.shape.pinned.optional(),
  })
  .meta({ id: "ChatPreferencesInput", description: "Absent members stay as they are." });
export type ChatPreferencesInput = z.infer<typeof ChatPreferencesInput>;

export const ChatSummary = Chat.extend({
  unread_count: z.int().nonnegative().meta({
    description: "Messages of other people and of the bot above the read position",
  }),
  last_message: z.string().nullable().meta({
    description: "The text of the newest message; empty if it was deleted",
  }),
  last_message_time: Time.nullable(),
  ...ChatPreferences.shape,
  mention_count: z
    .int()
    .nonnegative()
    .max(mentionCountMax)
    .meta({
      description: `Messages above the read position that mention the caller, at most ${mentionCountMax.toLocaleString("en-US")}`,
    }),
}).meta({ id: "ChatSummary" });
export type ChatSummary = z.infer<typeof ChatSummary>;

export const Participant = z
  .object({
    id: Id.meta({ description: "The user's id" }),
    username: z.string(),
    role: z.enum(["owner", "moderator", "member"]),
    joined_at: Time,
    created_at: Time.meta({ description: "When the user registered" }),
    ...ShownMembers.shape,
  })
  .meta({ id: "Participant" });
export type Participant = z.infer<typeof Participant>;

export const CreateChatInput = z
  .object({
    name: chatName(0)
      .nullish()
      .meta({
        description:
          "Without a name a group is named after its participants, and a private chat is shown to each of the two people " +
          "under the other's username. The name is ignored if their private chat exists already.",
      }),
    is_group: z.boolean().default(false),
    is_ai_chat: z.boolean().default(false),
    participant_usernames: z.array(UsernameSought).max(groupSizeMax).nullish(),
  })
  // The docs page offers this example for trying out. It names nobody, because unknown usernames are refused.
  .meta({ id: "CreateChatInput", example: { name: "Physics homework", is_group: true } });
export type CreateChatInput = z.infer<typeof CreateChatInput>;

export const UpdateChatInput = z
  .object({
    name: chatName(1).optional().meta({
      description: "The name that the caller is shown already changes nothing.",
    }),
    owner_id: Id.optional().meta({ description: "The participant who becomes the owner" }),
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
    seq: Seq.nullish().meta({
      description: "Default: the newest number. A higher number counts as the newest, too.",
    }),
  })
  .meta({ id: "MarkReadInput" });

export const ReadPosition = z
  .object({ success: z.literal(true), last_read_seq: Seq })
  .meta({ id: "ReadPosition" });

export const ChatPath = z.object({ chat_id: numeric({ min: 1 }).meta({ example: 1 }) });
export const ParticipantPath = ChatPath.extend({
  user_id: numeric({ min: 1 }).meta({ example: 2 }),
});
