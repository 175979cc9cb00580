import { useState } from "preact/hooks";
import type { ChatList } from "../client/chat-list.ts";
import type { Client, RoomSnapshot } from "../client/client.ts";
import type { Chat, Participant } from "../wire/chats.ts";
import type { User } from "../wire/users.ts";
import { Refusal, useAction, type Acting } from "./acting.tsx";
import { ConfirmedButton } from "./confirmed-button.tsx";
import { Dialog } from "./dialog.tsx";
import { useModeration } from "./moderating.ts";
import { PeopleField } from "./people-field.tsx";
import { Avatar, PersonName } from "./people-shown.tsx";
import { goHome } from "./place.ts";
import { PresenceDot } from "./presence-dot.tsx";
import { useRoomPeople } from "./room-people.ts";

/** The people in a chat, with buttons to invite, remove and leave. */
export function PeopleDialog({
  client,
  chats,
  user,
  chat,
  snapshot,
  onClose,
}: {
  client: Client;
  chats: ChatList;
  user: User;
  chat: Chat;
  snapshot: RoomSnapshot;
  onClose: () => void;
}) {
  const action = useAction();
  const isOwner = chat.owner_id === user.id;
  const own = snapshot.participants.find(({ id }) => id === user.id);
  const mayRemove = ({ id, role }: Participant) =>
    id !== user.id && (isOwner || (own?.role === "moderator" && role === "member"));
  const here = new Set(snapshot.online.map(({ user_id }) => user_id));
  const isFull = !chat.is_group && snapshot.participants.length >= 2;

  return (
    <Dialog title="People" onClose={onClose}>
      {(close) => (
        <>
          <ul class="people">
            {snapshot.participants.map((person) => (
              <PersonRow
                key={person.id}
                client={client}
                chat={chat}
                user={user}
                person={person}
                isHere={here.has(person.id)}
                mayRemove={mayRemove(person)}
                action={action}
              />
            ))}
          </ul>
          {isFull ? (
            <p class="muted">A private chat holds two people.</p>
          ) : (
            <Invite client={client} chatId={chat.id} />
          )}
          <Refusal of={action} />
          <footer>
            {!isOwner && (
              <ConfirmedButton
                label="Leave this chat"
                disabled={action.isBusy}
                onConfirm={async () => {
                  if (!(await action.run(() => client.api.leaveChat(chat.id)))) return;
                  close();
                  goHome();
                  void chats.refresh();
                }}
              />
            )}
            <button type="button" class="primary" onClick={close}>
              Done
            </button>
          </footer>
        </>
      )}
    </Dialog>
  );
}

/** A participant, with buttons for those who may change their role or remove them. */
function PersonRow({
  client,
  chat,
  user,
  person,
  isHere,
  mayRemove,
  action,
}: {
  client: Client;
  chat: Chat;
  user: User;
  person: Participant;
  isHere: boolean;
  mayRemove: boolean;
  action: Acting;
}) {
  const moderation = useModeration();
  const { nameOf, onPerson } = useRoomPeople();
  const isOwner = chat.owner_id === user.id;
  const name = nameOf({ user_id: person.id, username: person.username });
  return (
    <li>
      <Avatar userId={person.id} name={name} />
      {person.id !== user.id && <PresenceDot userId={person.id} />}
      <button
        type="button"
        class="name-link"
        aria-haspopup="dialog"
        onClick={() => onPerson(person.id)}
      >
        <PersonName
          person={{
            username: person.username,
            display_name: name === person.username ? null : name,
          }}
        />
      </button>
      <span class="muted">{standingOf(person, user, isHere)}</span>
      <div class="buttons">
        {isOwner && person.role !== "owner" && (
          <button
            type="button"
            class="quiet"
            disabled={action.isBusy}
            onClick={() =>
              void action.run(() => moderation.changeRole(chat.id, person.id, otherRole(person)))
            }
          >
            {`Make ${otherRole(person)}`}
            <span class="visually-hidden"> {person.username}</span>
          </button>
        )}
        {mayRemove && (
          <ConfirmedButton
            label="Remove"
            about={person.username}
            disabled={action.isBusy}
            onConfirm={() => action.run(() => client.api.removeParticipant(chat.id, person.id))}
          />
        )}
      </div>
    </li>
  );
}

function otherRole({ role }: Participant): "member" | "moderator" {
  return role === "moderator" ? "member" : "moderator";
}

function standingOf(person: Participant, user: User, isHere: boolean): string {
  const words = [
    person.id === user.id ? "you" : isHere ? "here" : "",
    person.role === "member" ? "" : person.role,
    person.is_bot_account ? "bot" : "",
  ];
  return words.filter((word) => word !== "").join(", ");
}

function Invite({ client, chatId }: { client: Client; chatId: number }) {
  const action = useAction();
  const [invited, setInvited] = useState("");
  const [count, setCount] = useState(0);

  async function invite(form: HTMLFormElement) {
    setInvited("");
    const username = String(new FormData(form).get("username") ?? "").trim();
    if (await action.run(() => client.api.inviteToChat(chatId, username))) {
      setInvited(`${username} is in this chat now.`);
      // A new field is empty.
      setCount((before) => before + 1);
    }
  }

  return (
    <form
      class="invite"
      onSubmit={(event) => {
        event.preventDefault();
        void invite(event.currentTarget);
      }}
    >
      <PeopleField
        key={count}
        label="Invite somebody"
        name="username"
        placeholder="Username or name"
        isList={false}
        isRequired
      />
      <button disabled={action.isBusy}>Invite</button>
      <p class="muted" role="status">
        {invited}
      </p>
      <Refusal of={action} />
    </form>
  );
}
