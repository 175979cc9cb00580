import { Refusal, useAction } from "./acting.tsx";
import { usePageParts } from "./page-parts.ts";

/** In place of the field for messages, in a private chat with somebody whom the person has blocked. */
export function BlockedPartner({ userId, name }: { userId: number; name: string }) {
  const { people } = usePageParts();
  const action = useAction();
  return (
    <div class="composer blocked">
      <p class="muted" role="status">
        You have blocked <bdi>{name}</bdi>. Unblock them to write.
      </p>
      <button
        type="button"
        disabled={action.isBusy}
        onClick={() => void action.run(() => people.unblock(userId))}
      >
        Unblock
      </button>
      <Refusal of={action} />
    </div>
  );
}
