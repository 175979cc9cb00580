// Frames that tell of people, whatever chats they are in.
import { z } from "zod";
import { blockedMax } from "./blocks.ts";
import { Id } from "./text.ts";
import { Profile } from "./users.ts";

const UserUpdatedFrame = z.object({ type: z.literal("user_updated"), user: Profile });
export type UserUpdatedFrame = z.infer<typeof UserUpdatedFrame>;

const BlockedPeopleFrame = z.object({
  type: z.literal("blocked_people"),
  user_ids: z.array(Id).max(blockedMax).meta({
    description: "Everybody whom the person has blocked",
  }),
});
export type BlockedPeopleFrame = z.infer<typeof BlockedPeopleFrame>;

/** These frames by the names that the documents give them. */
export const peopleFrames = {
  user_updated: UserUpdatedFrame,
  blocked_people: BlockedPeopleFrame,
} as const;

/** Frames that tell of people. */
export type PeopleFrame = UserUpdatedFrame | BlockedPeopleFrame;
