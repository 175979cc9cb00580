import { z } from "zod";
import { Id, Time } from "./text.ts";

/** People that a socket may watch. */
export const watchedMax = 500;

/** The statuses that a client can claim for itself. */
export const OwnStatus = z.enum(["online", "away"]);
export type OwnStatus = z.infer<typeof OwnStatus>;

export const PresenceStatus = z.enum([...OwnStatus.options, "offline"]);
export type PresenceStatus = z.infer<typeof PresenceStatus>;

/** Whether others are shown a person's status. */
export const Visibility = z.enum(["visible", "invisible"]).meta({
  description:
    "An `invisible` person is shown to others as offline, last seen when they became invisible or when their last visible client had gone. Others are not told either that the person joins a chat or leaves it",
});
export type Visibility = z.infer<typeof Visibility>;

export const UserPresence = z
  .object({
    user_id: Id,
    status: PresenceStatus,
    last_seen_at: Time.nullable().meta({
      description:
        "When the person went offline; null for one who is not offline or was never seen",
    }),
  })
  .meta({ id: "UserPresence", description: "What the caller is shown of a person" });
export type UserPresence = z.infer<typeof UserPresence>;

export const PresenceFrame = z.object({
  type: z.literal("presence"),
  users: z.array(UserPresence).max(watchedMax),
});
export type PresenceFrame = z.infer<typeof PresenceFrame>;
