// Descriptions and examples of the frames that tell of people, for the documents.
import type { z } from "zod";
import type { peopleFrames } from "../people-frames.ts";
import { exampleTime } from "../text.ts";
import { participant, type ServerNote } from "./examples.ts";

export const peopleNotes: {
  [Name in keyof typeof peopleFrames]: ServerNote<z.infer<(typeof peopleFrames)[Name]>>;
} = {
  user_updated: {
    to: "person",
    summary: "The profile of somebody in one of your chats has changed",
    description:
      "It is sent within 2 s to all sockets of the people who are in a chat with the person, joined or not, and to those of the person, on all servers: once to a socket, " +
      "however many chats it shares with the person. `user` is the whole profile as it is now. It has no number and is not replayed: a client that " +
      "was away reads profiles from `GET /api/chats/{chat_id}/participants` or `GET /api/users/{user_id}`. Names in messages stay usernames: show the " +
      "display name of a message's `user_id`. Those who were in a chat with somebody who has deleted the account receive it, too: the username is " +
      "`Deleted user`, and there is no display name.",
    example: {
      type: "user_updated",
      user: {
        id: participant.id,
        username: participant.username,
        display_name: participant.display_name,
        bio: "Physics, mostly optics.",
        avatar_url: null,
        created_at: exampleTime,
        is_bot_account: false,
      },
    },
  },
  blocked_people: {
    to: "person",
    summary: "You have blocked somebody, or no longer",
    description:
      "It is sent within 2 s to all sockets of the person who has changed it, on all servers, so that their other clients know it, too. It " +
      "has everybody whom the person has blocked now. Nobody else is told.",
    example: { type: "blocked_people", user_ids: [12] },
  },
};
