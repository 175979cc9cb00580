// How a person looks, everywhere the same.
import type { ShownPerson } from "../client/people.ts";
import { Icon } from "./icons.tsx";
import { initialsOf } from "./names.ts";

const hues = 8;

/** A disc with initials, or the model's star. It repeats the name beside it, so it is silent. */
export function Avatar({ userId, name }: { userId: number | null; name: string }) {
  if (userId === null) {
    return (
      <span class="avatar bot" aria-hidden="true">
        <Icon name="sparkle" />
      </span>
    );
  }
  return (
    <span class={`avatar hue-${userId % hues}`} aria-hidden="true">
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
