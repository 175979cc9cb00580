// The author of a message. The name and the portrait open the author's card; the menu of the message does so for the keyboard.
import type { Message } from "../wire/messages.ts";
import { Avatar } from "./people-shown.tsx";
import { useRoomPeople } from "./room-people.ts";

type Author = Pick<Message, "user_id" | "username">;

export function AuthorAvatar({ author }: { author: Author }) {
  const { nameOf, onPerson } = useRoomPeople();
  const { user_id: userId } = author;
  const avatar = <Avatar userId={userId} name={nameOf(author)} />;
  if (userId === null) return avatar;
  return (
    <span class="portrait-link" aria-hidden="true" onClick={() => onPerson(userId)}>
      {avatar}
    </span>
  );
}

export function AuthorName({ author, isOwn }: { author: Author; isOwn: boolean }) {
  const { nameOf, onPerson } = useRoomPeople();
  const { user_id: userId } = author;
  const name = <bdi>{isOwn ? "You" : nameOf(author)}</bdi>;
  if (userId === null || isOwn) return name;
  // One stop of Tab for each message would be too many.
  return (
    <button type="button" class="name-link" tabIndex={-1} onClick={() => onPerson(userId)}>
      {name}
    </button>
  );
}
