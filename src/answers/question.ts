const command = /^\s*\/bot(?=\s|$)/i;

/** Tells whether a message asks the model in any chat: its first word is /bot. */
export function asksBot(content: string): boolean {
  return command.test(content);
}

/** Returns the question without the command and without white space around it. In an AI chat that is the whole message. */
export function questionOf(content: string): string {
  return content.replace(command, "").trim();
}

/** Recognises `/bot help`, which the server answers without the model. */
export function isHelp(content: string): boolean {
  return asksBot(content) && questionOf(content).toLowerCase() === "help";
}
