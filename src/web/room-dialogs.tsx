import { useState } from "preact/hooks";
import type { Attachment } from "../client/attachments.ts";
import type { Client } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";
import { useDialog } from "./dialog.tsx";
import { Lightbox, PersonCard, ReportDialog, VersionsDialog } from "./dialogs.tsx";
import type { Mentionable } from "./mention-at.ts";

/** The dialogs of a room's pane: a person, a picture, the versions of a message, or a report about it. */
export function useRoomDialogs() {
  const card = useDialog<"person">();
  const [cardOf, setCardOf] = useState(0);
  const dialog = useDialog<"versions" | "report">();
  const [message, setMessage] = useState<Message>();
  const [picture, setPicture] = useState<Attachment>();
  return {
    card,
    cardOf,
    dialog,
    message,
    picture,
    onPicture: setPicture,
    onPerson(userId: number) {
      setCardOf(userId);
      card.open("person");
    },
    onVersions(message: Message) {
      setMessage(message);
      dialog.open("versions");
    },
    onReport(message: Message) {
      setMessage(message);
      dialog.open("report");
    },
  };
}

export function RoomDialogs({
  of: { card, cardOf, dialog, message, picture, onPicture },
  client,
  ownId,
  messages,
  people,
  onMention,
}: {
  of: ReturnType<typeof useRoomDialogs>;
  client: Client;
  ownId: number;
  messages: readonly Message[];
  /** People who can be mentioned. */
  people: readonly Mentionable[];
  onMention: (username: string) => void;
}) {
  return (
    <>
      {picture && (
        <Lightbox
          pictures={picturesOf(messages)}
          shown={picture}
          onShow={onPicture}
          onClose={() => onPicture(undefined)}
        />
      )}
      {card.name && (
        <PersonCard
          key={card.key}
          userId={cardOf}
          ownId={ownId}
          onMention={people.some(({ userId }) => userId === cardOf) ? onMention : undefined}
          onClose={card.close}
        />
      )}
      {message && dialog.name === "versions" && (
        <VersionsDialog key={dialog.key} client={client} message={message} onClose={dialog.close} />
      )}
      {message && dialog.name === "report" && (
        <ReportDialog key={dialog.key} message={message} onClose={dialog.close} />
      )}
    </>
  );
}

function picturesOf(messages: readonly Message[]): Attachment[] {
  return messages.flatMap(({ attachments }) => attachments.filter(({ kind }) => kind === "image"));
}
