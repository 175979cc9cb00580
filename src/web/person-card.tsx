import { useEffect, useState } from "preact/hooks";
import type { Profile } from "../client/people.ts";
import { asProblemError } from "../client/problem-error.ts";
import { Refusal, useAction } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { Dialog } from "./dialog.tsx";
import { usePageParts } from "./page-parts.ts";
import { Avatar } from "./people-shown.tsx";
import { goToChat } from "./place.ts";
import { PresenceDot, presenceWords, usePresenceOf } from "./presence-dot.tsx";
import { useIsBlocked } from "./shown-names.ts";
import { useWatched } from "./use-watched.ts";

/** A person, and what can be done with them. */
export function PersonCard({
  userId,
  ownId,
  onMention,
  onClose,
}: {
  userId: number;
  ownId: number;
  /** Writes a mention of a username; undefined where nobody can be mentioned. */
  onMention: ((username: string) => void) | undefined;
  onClose: () => void;
}) {
  const { people } = usePageParts();
  const [person, setPerson] = useState<Profile>();
  const [problem, setProblem] = useState<string>();
  useWatched([userId]);
  useEffect(() => {
    people.get(userId).then(setPerson, (error: unknown) => {
      setProblem(asProblemError(error).detail);
    });
  }, [userId]);
  return (
    <Dialog title={person?.display_name ?? person?.username ?? "Person"} onClose={onClose}>
      {(close) => (
        <>
          {person && <About person={person} />}
          {!person && !problem && (
            <p class="muted" role="status">
              Loading…
            </p>
          )}
          <p class="refusal" role="alert">
            {problem}
          </p>
          {person && person.id !== ownId && (
            <Deeds person={person} onMention={onMention} close={close} />
          )}
        </>
      )}
    </Dialog>
  );
}

const dateOf = (time: string) =>
  new Date(time).toLocaleDateString(undefined, { dateStyle: "long" });

function About({ person }: { person: Profile }) {
  const presence = usePresenceOf(person.id);
  return (
    <div class="card">
      <Avatar userId={person.id} name={person.display_name ?? person.username} />
      <div>
        <p>
          <bdi>@{person.username}</bdi>
          {person.is_bot_account && <span class="muted"> · Bot</span>}
        </p>
        <p class="muted here">
          <PresenceDot userId={person.id} />
          {/* The dot has the words for screen readers. */}
          {presence && <span aria-hidden="true">{presenceWords(presence)}</span>}
        </p>
      </div>
      {person.bio && (
        <p class="bio" dir="auto">
          {person.bio}
        </p>
      )}
      <p class="muted since">
        {person.is_bot_account ? "Created" : "Registered"} on {dateOf(person.created_at)}
      </p>
    </div>
  );
}

function Deeds({
  person: { id, username },
  onMention,
  close,
}: {
  person: Profile;
  onMention: ((username: string) => void) | undefined;
  close: () => void;
}) {
  const { client, people } = usePageParts();
  const isBlocked = useIsBlocked(id);
  const action = useAction();
  const openChat = async () => {
    const chat = await client.api.createChat({ participant_usernames: [username] });
    close();
    goToChat(chat.id);
  };
  return (
    <>
      {isBlocked && (
        <p class="muted" role="status">
          You have blocked this person.
        </p>
      )}
      <Refusal of={action} />
      <footer>
        {isBlocked ? (
          <button
            type="button"
            disabled={action.isBusy}
            onClick={() => void action.run(() => people.unblock(id))}
          >
            Unblock
          </button>
        ) : (
          <ConfirmedButton
            label="Block"
            about={username}
            disabled={action.isBusy}
            onConfirm={() => void action.run(() => people.block(id))}
          />
        )}
        {onMention && (
          <button
            type="button"
            onClick={() => {
              close();
              onMention(username);
            }}
          >
            Mention
          </button>
        )}
        {!isBlocked && (
          <button
            type="button"
            class="primary"
            disabled={action.isBusy}
            onClick={() => void action.run(openChat)}
          >
            Message privately
          </button>
        )}
      </footer>
    </>
  );
}
