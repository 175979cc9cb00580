const mark = /^\s*\/bot(?=\s|$)/i;

/** Whether a message is meant for the model: its first word is /bot. */
export function asksBot(content: string): boolean {
  return mark.test(content);
}

/** What is asked, without the mark and without white space around it. In an AI chat that is the whole message. */
export function questionOf(content: string): string {
  return content.replace(mark, "").trim();
}

/** `/bot help`, which the server answers by itself. */
export function isHelp(content: string): boolean {
  return asksBot(content) && questionOf(content).toLowerCase() === "help";
}
