import { z } from "zod";
import { ChatPath } from "./chats.ts";
import { Message } from "./messages.ts";
import { Id, numeric, text, TimeInput } from "./text.ts";

/** Limit of a search's text in characters. */
export const searchTextMax = 200;
/** Limit of the words, phrases and exclusions of a search. */
export const searchTermsMax = 16;
const searchPageMax = 100;
const searchPageDefault = 20;

const Day = z.iso
  .date()
  .refine((day) => !day.startsWith("0000"), "must be at least 0001-01-01")
  .transform((day) => `${day}T00:00:00.000Z`);
const TimeOrDay = z
  .union([Day, TimeInput], {
    error:
      "must be a date such as 2026-11-22, or a time with an offset such as 2026-11-22T10:15:30Z",
  })
  .meta({ type: "string", example: "2026-11-22" });

export const SearchQuery = z.object({
  q: text({ min: 0, max: searchTextMax })
    .default("")
    .meta({
      description:
        `Words that a message must have, in any order, ${searchTermsMax} at most. The last one may be the beginning of a word. ` +
        '`"two words"` must follow each other, and `-word` must not be there. Upper and lower case are the same, and so are ' +
        "letters with and without accents. Chinese, Japanese, Korean and Thai texts match at any place.",
      example: 'blue "sky"',
      default: "",
    }),
  chat_id: ChatPath.shape.chat_id.optional().meta({ description: "Only messages of this chat" }),
  from: text({ min: 1, max: 64 }).optional().meta({
    description:
      "Only messages of this person: a user id or a username. `Gemini` stands for the answers of the model. Digits alone are an id.",
    example: "john_doe",
  }),
  has: z.enum(["link", "file", "image", "voice"]).optional().meta({
    description:
      "Only messages with this: a link in the text, a file of any kind, an image, or a voice message",
  }),
  before: TimeOrDay.optional().meta({
    description: "Only messages that were sent before this time. A date is its beginning in UTC.",
  }),
  after: TimeOrDay.optional().meta({
    description:
      "Only messages that were sent at this time or later. A date is its beginning in UTC.",
  }),
  limit: numeric({ min: 1, max: searchPageMax })
    .default(searchPageDefault)
    .meta({ description: `1 to ${searchPageMax}`, default: searchPageDefault }),
  cursor: z
    .string()
    .max(64)
    .optional()
    .meta({ description: "The `next_cursor` of the page before" }),
});
export type SearchQuery = z.infer<typeof SearchQuery>;

export const Highlight = z.object({ start: z.int().nonnegative(), end: z.int().positive() }).meta({
  id: "Highlight",
  description: "A part of `content`, in UTF-16 code units; `end` is not in it",
});
export type Highlight = z.infer<typeof Highlight>;

export const SearchItem = z
  .object({
    message: Message,
    chat: z.object({
      id: Id,
      name: z.string().meta({ description: "As `GET /api/chats` shows it to the caller" }),
    }),
    highlights: z.array(Highlight).meta({
      description: "The parts that match, in order and apart from each other, 100 at most",
    }),
  })
  .meta({ id: "SearchItem" });
export type SearchItem = z.infer<typeof SearchItem>;

export const SearchPage = z
  .object({
    items: z.array(SearchItem),
    next_cursor: z.string().nullable().meta({
      description:
        "For the page of older messages; null if there are none. A page may have fewer items than `limit` while there are more pages.",
    }),
  })
  .meta({ id: "SearchPage" });
export type SearchPage = z.infer<typeof SearchPage>;
