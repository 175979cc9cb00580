// Descriptions and examples of the frames to a room that have no number, for the documents.
import type { z } from "zod";
import { onlineMax } from "../frames.ts";
import type { serverFrames } from "../server-frames.ts";
import { participant, type ServerNote } from "./examples.ts";

type Unnumbered = "typing" | "user_joined" | "user_left" | "presence_changed";

const person = { user_id: participant.id, username: participant.username };

export const unnumberedNotes: {
  [Name in Unnumbered]: ServerNote<z.infer<(typeof serverFrames)[Name]>>;
} = {
  typing: {
    to: "room",
    summary: "Somebody is typing",
    description:
      "The person who types does not receive it. Show it for about 5 s, or until their message arrives.",
    example: { type: "typing", chat_id: 1, ...person },
  },
  user_joined: {
    to: "room",
    summary: "Somebody is online in the chat",
    description:
      "It is sent when the first socket of a person has joined, and not to that socket itself. It is not sent of an invisible " +
      "person, but when one who has joined becomes visible, to the others in the room. It may repeat somebody who was away for a moment. " +
      `Large rooms, those of chats with more than ${onlineMax} participants, receive \`presence_changed\` instead.`,
    example: { type: "user_joined", chat_id: 1, ...person },
  },
  user_left: {
    to: "room",
    summary: "Somebody is no longer online in the chat",
    description:
      "It is sent when the last socket of a person has left the room, and to the others in the room when a person becomes " +
      "invisible. The person may still be a participant. Several servers that share their rooms send it half a second later, and not " +
      "of somebody who has come back until then, perhaps to another one of them. Large rooms " +
      "receive `presence_changed` instead.",
    example: { type: "user_left", chat_id: 1, ...person },
  },
  presence_changed: {
    to: "room",
    summary: "People came and went in a large room",
    description:
      `In place of \`user_joined\` and \`user_left\`, at most once a second. A room is large if its chat had more than ${onlineMax} participants when ` +
      "somebody joined it last. Somebody who came and left since the last frame is in neither list, unless the `joined` of " +
      "another socket has named them. `joined` may name people whom the client knows already, its own person too, and `left` " +
      "people whom it does not know. If more than 500 people came or left, the others follow in the next frame. " +
      "`online_count` always counts all. An invisible person is in neither list and not counted. Somebody who becomes " +
      "invisible is in `left`, and in `joined` when they become visible, also where their own sockets receive it.",
    example: {
      type: "presence_changed",
      chat_id: 1,
      joined: [person],
      left: [{ user_id: 7, username: "john_doe" }],
      online_count: 212,
    },
  },
};
