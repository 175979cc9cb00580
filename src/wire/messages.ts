import { z } from "zod";
import { exampleTime, Id, numeric, Seq, text, Time } from "./text.ts";
import { Attachment, AttachmentIds } from "./attachments.ts";
import { ChatPath } from "./chats.ts";
import { ClientId } from "./client-id.ts";
import { Emoji } from "./emoji.ts";

/** The username of the model's messages. Registration refuses it. */
export const botUsername = "Gemini";

const contentMax = 16_000;
const storedAsSent =
  "Stored exactly as it is sent, except that white space at the ends is removed of a text that is too long with it.";

/** Stored as it was sent, white space at its ends included: a client finds the copy that it shows by the exact text. */
export const Content = text({ min: 1, max: contentMax, trim: "too_long" })
  .refine((value) => value === "" || value.trim() !== "", "must not be blank")
  .meta({
    description: `${storedAsSent} Text that is blank is refused`,
    example: "Hello!",
  });

export const MessageStatus = z
  .enum(["streaming", "complete", "stopped", "failed", "blocked", "truncated", "interrupted"])
  .meta({
    id: "MessageStatus",
    description:
      "A person's message is always `complete`. An answer is `streaming` first and then exactly one of the others.",
  });
export type MessageStatus = z.infer<typeof MessageStatus>;

/** A web page that an answer cites. */
export const Source = z
  .object({ title: z.string(), url: z.string().meta({ format: "uri" }) })
  .meta({ id: "Source" });
export type Source = z.infer<typeof Source>;

/** Limit of the people that a {@link Reaction} names. */
export const reactionNamesMax = 100;
/** Limit of different emoji on one message. */
export const reactionsPerMessageMax = 20;

export const Reaction = z
  .object({
    emoji: z.string().meta({ example: "👍" }),
    count: z.int().positive(),
    user_ids: z.array(Id).meta({
      description: `The people in the order in which they reacted, ${reactionNamesMax} at most; \`count\` counts all`,
    }),
  })
  .meta({ id: "Reaction" });
export type Reaction = z.infer<typeof Reaction>;

export const Message = z
  .object({
    id: Id,
    chat_id: Id,
    seq: Seq,
    updated_seq: Seq,
    user_id: Id.nullable().meta({
      description:
        "The sender. null for the bot, and for imported messages without an author. A deleted account keeps its id and has the username `Deleted user`",
    }),
    username: z.string(),
    content: z.string().meta({
      description: "While an answer is `streaming`, the text that has been stored so far",
    }),
    is_bot: z.boolean(),
    status: MessageStatus,
    answer_to: Id.nullable().meta({
      description: "The id of the question that this message of the bot answers",
    }),
    client_id: z.string().nullable(),
    created_at: Time,
    error: z.string().nullable().meta({
      description: "The reason why an answer is incomplete, as a sentence for a person",
    }),
    sources: z.array(Source).nullable().meta({
      description: "Web pages that an answer cites, when the model has searched the web",
    }),
    edited_at: Time.nullable().meta({ description: "When the author last edited the message" }),
    deleted_at: Time.nullable().meta({
      description:
        "When the message was deleted. A deleted message keeps its number and its author; its `content` is empty.",
    }),
    reply_to: Id.nullable().meta({
      description: "The id of the message of the same chat that this one replies to",
    }),
    mentions: z.array(Id).meta({
      description: "The ids of the people whom the message mentions, without its author",
    }),
    reactions: z.array(Reaction).meta({ description: "In the order of first use" }),
    attachments: z.array(Attachment).meta({ description: "The files of the message" }),
  })
  .meta({ id: "Message" });
export type Message = z.infer<typeof Message>;

/** The message that the documents show. */
export const exampleMessage: Message = {
  id: 123,
  chat_id: 1,
  seq: 57,
  updated_seq: 57,
  user_id: 7,
  username: "john_doe",
  content: "/bot Why is the sky blue?",
  is_bot: false,
  status: "complete",
  answer_to: null,
  client_id: "b1c6a2f0-01",
  created_at: exampleTime,
  error: null,
  sources: null,
  edited_at: null,
  deleted_at: null,
  reply_to: null,
  mentions: [],
  reactions: [],
  attachments: [],
};

/** Token counts of one answer, as the model reports them. */
export const Usage = z
  .object({
    prompt_tokens: z.int(),
    answer_tokens: z.int(),
    thoughts_tokens: z.int(),
    cached_tokens: z.int(),
    total_tokens: z.int(),
  })
  .meta({ id: "Usage" });
export type Usage = z.infer<typeof Usage>;

export const ReplyTo = Id.nullish().meta({
  description:
    "The id of a message of the same chat that has not been deleted. Any other id is refused with `invalid`",
});

/** The text of a message that may have files: with them it may be empty. */
export const ContentBesideFiles = text({ min: 0, max: contentMax, trim: "too_long" })
  .refine((value) => value === "" || value.trim() !== "", "must not be blank")
  .meta({
    description: `${storedAsSent} Blank text is refused; only a message with files may have empty text`,
    example: "Hello!",
  });

/** The members of a message to be sent, by HTTP and by sockets. */
export const sendMembers = {
  content: ContentBesideFiles,
  client_id: ClientId.nullish(),
  reply_to: ReplyTo,
  attachment_ids: AttachmentIds,
};

/** A message has a text, or files. */
export const hasContent: [
  (input: { content: string; attachment_ids?: readonly number[] | null | undefined }) => boolean,
  { error: string; path: string[] },
] = [
  ({ content, attachment_ids: ids }) => content !== "" || (ids != null && ids.length > 0),
  { error: "must have at least 1 character", path: ["content"] },
];

export const SendMessageInput = z
  .object(sendMembers)
  .refine(...hasContent)
  // The docs page offers this example for trying out. It is no reply, because an unknown message is refused.
  .meta({ id: "SendMessageInput", example: { content: "Hello!", client_id: "b1c6a2f0-01" } });
export type SendMessageInput = z.infer<typeof SendMessageInput>;

export const EditMessageInput = z
  .object({
    content: ContentBesideFiles,
    if_seq: Seq.nullish().meta({
      description:
        "The `updated_seq` of the message that the author has seen. The edit is refused if the message has changed since, " +
        "by a reaction, too.",
    }),
  })
  .meta({ id: "EditMessageInput", example: { content: "Hello, everybody!" } });
export type EditMessageInput = z.infer<typeof EditMessageInput>;

/** Limit of the texts that are kept of one message. */
export const versionsMax = 100;

export const MessageVersion = z
  .object({
    content: z.string(),
    updated_seq: Seq.meta({ description: "The number with which the text came into the log" }),
    created_at: Time.meta({ description: "When the text was written" }),
  })
  .meta({ id: "MessageVersion" });
export type MessageVersion = z.infer<typeof MessageVersion>;

const historyPageMax = 200;
const historyPageDefault = 50;

export const HistoryQuery = z
  .object({
    limit: numeric({ min: 1, max: historyPageMax })
      .default(historyPageDefault)
      .meta({ description: `1 to ${historyPageMax}`, default: historyPageDefault }),
    before_seq: numeric({ min: 0 })
      .optional()
      .meta({ description: "Only messages whose `seq` is below this number" }),
    after_seq: numeric({ min: 0 }).optional().meta({
      description:
        "Only messages whose `seq` is above this number. The `after_seq` of the socket's `join` compares `updated_seq` instead.",
    }),
    around_seq: numeric({ min: 0 })
      .optional()
      .meta({
        description:
          "Messages on both sides of this number: half of `limit` below it, the others from the number on. It may be that of a " +
          "message that was found, or of any change.",
      }),
  })
  .refine((query) => query.before_seq === undefined || query.after_seq === undefined, {
    error: "before_seq and after_seq exclude each other",
    path: ["after_seq"],
  })
  .refine(
    ({ around_seq, before_seq, after_seq }) =>
      around_seq === undefined || (before_seq === undefined && after_seq === undefined),
    { error: "around_seq excludes before_seq and after_seq", path: ["around_seq"] },
  );
export type HistoryQuery = z.infer<typeof HistoryQuery>;

export const MessagePath = ChatPath.extend({
  message_id: numeric({ min: 1 }).meta({ example: 124 }),
});

export const ReactionPath = MessagePath.extend({ emoji: Emoji });

export const Reactions = z
  .object({ reactions: z.array(Reaction), updated_seq: Seq })
  .meta({ id: "Reactions" });
