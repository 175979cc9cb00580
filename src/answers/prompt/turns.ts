// The turns of a prompt. Each turn of a person, and of the server, begins with a speaker label.
import type { Turn } from "../../model/stream-answer.ts";
import { botUsername, type Message } from "../../wire/messages.ts";
import { questionOf } from "../question.ts";
import { labelOf, withoutCode } from "../text/speaker-labels.ts";
import type { PastMessage } from "./queries.ts";

/** The speaker of the server's own turns. Usernames have no space, so nobody can be called that. */
export const serverName = "the server";
/** Limits of the part of a replied-to message that is quoted, in UTF-16 units: the first one that fits is used. */
const quoteLengths = [4_000, 1_000, 250];

export function turnOf(message: PastMessage, code: string): Turn {
  if (message.is_bot) return { role: "model", text: withoutCode(message.content, code) };
  return personsTurn(message, code);
}

export function personsTurn(
  { username, content }: Pick<Message, "username" | "content">,
  code: string,
): Turn {
  return { role: "user", text: labelOf(code, username) + withoutCode(questionOf(content), code) };
}

export function serversTurn(text: string, code: string): Turn {
  return { role: "user", text: labelOf(code, serverName) + text };
}

/** Turns that quote the message that the next one replies to, the longest first; none without such a message. */
export function quotations(message: PastMessage | undefined, code: string): Turn[] {
  if (!message) return [];
  const author = message.is_bot ? botUsername : message.username || "somebody who has left";
  const whole = message.is_bot ? message.content : questionOf(message.content);
  const lengths = quoteLengths.filter((length, place) => place === 0 || length < whole.length);
  return lengths.map((length) => {
    const part = whole.slice(0, length).toWellFormed();
    const text = withoutCode(part.length < whole.length ? `${part} […]` : part, code);
    return serversTurn(
      `The next message is a reply to this earlier message of ${author}, which is quoted here:\n${text.replaceAll(/^/gm, "> ")}`,
      code,
    );
  });
}

export function continuation(kept: string, code: string): Turn[] {
  return [
    { role: "model", text: withoutCode(kept, code) },
    serversTurn(
      "Your answer above broke off at its last character. Write only what comes next, from exactly there: repeat " +
        "nothing, begin with a space or a line break if one is due, and do not mention the interruption.",
      code,
    ),
  ];
}

/** Gemini expects the roles to alternate. */
export function merged(turns: Turn[]): Turn[] {
  const result: Turn[] = [];
  for (const turn of turns) {
    const last = result.at(-1);
    if (last?.role === turn.role) last.text += `\n\n${turn.text}`;
    else result.push({ ...turn });
  }
  return result;
}
