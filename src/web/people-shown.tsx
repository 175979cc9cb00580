// How a person looks, everywhere the same.
import { Icon } from "./icons.tsx";

const hues = 8;

/** A disc with a letter, or the model's star. It repeats the name beside it, so it is silent. */
export function Avatar({ userId, username }: { userId: number | null; username: string }) {
  if (userId === null) {
    return (
      <span class="avatar bot" aria-hidden="true">
        <Icon name="sparkle" />
      </span>
    );
  }
  return (
    <span class={`avatar hue-${userId % hues}`} aria-hidden="true">
      {username.slice(0, 1).toUpperCase()}
    </span>
  );
}
