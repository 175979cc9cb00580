import { z } from "zod";
import { numeric, Time } from "./text.ts";
import { Profile } from "./users.ts";

/** Limit of people that one person has blocked. */
export const blockedMax = 1_000;
const pageMax = 200;

export const BlockedPerson = z
  .object({ user: Profile, blocked_at: Time })
  .meta({ id: "BlockedPerson", description: "A person whom the caller has blocked" });
export type BlockedPerson = z.infer<typeof BlockedPerson>;

export const BlockedPage = z
  .object({
    items: z.array(BlockedPerson),
    next_cursor: z.string().nullable().meta({
      description: "For `?cursor=` of the next page; null: there are no more",
    }),
  })
  .meta({ id: "BlockedPage" });
export type BlockedPage = z.infer<typeof BlockedPage>;

export const BlockedQuery = z.object({
  limit: numeric({ min: 1, max: pageMax })
    .default(50)
    .meta({ description: `1 to ${pageMax}`, default: 50 }),
  cursor: numeric({ min: 1 })
    .optional()
    .meta({ description: "`next_cursor` of the page before", example: undefined }),
});
export type BlockedQuery = z.infer<typeof BlockedQuery>;
