import type { Message } from "../wire/messages.ts";
import type { MessageCommands } from "./message-commands.ts";

/** Names shown for one emoji; the number of further people follows. */
const namesMax = 20;

type Reaction = Message["reactions"][number];

function namesOf({ user_ids, count }: Reaction, names: ReadonlyMap<number, string>): string {
  const shown = user_ids.flatMap((id) => names.get(id) ?? []).slice(0, namesMax);
  const others = count - shown.length;
  if (others > 0) shown.push(`${others} ${others === 1 ? "other" : "others"}`);
  return shown.join(", ");
}

/** Below a message: each emoji with its count. A click adds the own reaction or takes it back. */
export function Reactions({
  message,
  ownId,
  names,
  commands,
}: {
  message: Message;
  ownId: number;
  /** The names of the participants by their ids. */
  names: ReadonlyMap<number, string>;
  commands: MessageCommands;
}) {
  if (message.reactions.length === 0) return null;
  return (
    <ul class="reactions" aria-label="Reactions">
      {message.reactions.map((reaction) => {
        const isOn = reaction.user_ids.includes(ownId);
        const who = namesOf(reaction, names);
        return (
          <li key={reaction.emoji}>
            <button
              type="button"
              class="chip"
              aria-pressed={isOn}
              aria-label={`${reaction.emoji} ${reaction.count}: ${who}`}
              title={who}
              onClick={() => commands.react(message, reaction.emoji, !isOn)}
            >
              <span class="emoji">{reaction.emoji}</span> {reaction.count}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
