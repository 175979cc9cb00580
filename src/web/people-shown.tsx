// The appearance of a person, the same everywhere.
import type { ShownPerson } from "../client/people.ts";
import type { Chat } from "../wire/chats.ts";
import { Icon } from "./icons.tsx";
import { initialsOf } from "./names.ts";
import { useAvatarUrl, usePicture } from "./use-picture.ts";

const hues = 8;

/**
 * A disc with the picture or the initials, or the model's star. It repeats the name beside it, so it is silent.
 * @param chat shows the chat in place of a person
 */
export function Avatar({
  userId,
  name,
  chat,
}: {
  userId: number | null;
  name: string;
  chat?: Pick<Chat, "id" | "picture_url"> | undefined;
}) {
  const own = useAvatarUrl(chat ? null : userId);
  const { element, address } = usePicture(chat ? chat.picture_url : own);
  if (address !== undefined) {
    return (
      <span ref={element} class="avatar" aria-hidden="true">
        <img src={address} alt="" />
      </span>
    );
  }
  const shownId = chat?.id ?? userId;
  if (shownId === null) {
    return (
      <span ref={element} class="avatar bot" aria-hidden="true">
        <Icon name="sparkle" />
      </span>
    );
  }
  return (
    <span ref={element} class={`avatar hue-${shownId % hues}`} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}

/** A display name with the username behind it, which tells people of the same name apart. */
export function PersonName({
  person: { username, display_name: displayName },
}: {
  person: Pick<ShownPerson, "username" | "display_name">;
}) {
  return (
    <span class="person">
      <bdi class="name">{displayName ?? username}</bdi>
      {displayName !== null && (
        <small class="muted">
          <bdi>@{username}</bdi>
        </small>
      )}
    </span>
  );
}
