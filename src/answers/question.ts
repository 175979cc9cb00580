import { isBlank } from "../model/blank-text.ts";
import { mentionsName } from "../wire/mentions.ts";
import { botUsername } from "../wire/messages.ts";

/** Keyboards and copied texts leave invisible characters behind a command, such as marks of the direction. */
const command = /^\s*\/(?<name>bot|image)\p{Default_Ignorable_Code_Point}*(?=\s|$)/iu;
const botName = botUsername.toLowerCase();
const botMention = new RegExp(`@${botName}\\b[_.-]*`, "gi");

/** Tells whether a message asks the model in any chat: its first word is /bot or /image, or it mentions @Gemini. */
export function asksBot(content: string): boolean {
  return command.test(content) || mentionsName(content, botName);
}

/** Returns the question without the command and without white space around it. In an AI chat that is the whole message. */
export function questionOf(content: string): string {
  return content.replace(command, "").trim();
}

/** Recognises a message that only calls the model: `/bot` or `@Gemini` without a question, or with nothing that can be seen. */
export function hasNoQuestion(content: string): boolean {
  return isBlank(wordsOf(content));
}

/** Recognises `/image`, which asks for a picture. */
export function asksForPicture(content: string): boolean {
  return command.exec(content)?.groups?.name?.toLowerCase() === "image";
}

/** Recognises `/bot help` and `@Gemini help`, which the server answers without the model. */
export function isHelp(content: string): boolean {
  return asksBot(content) && !asksForPicture(content) && wordsOf(content).toLowerCase() === "help";
}

/** The question without the mentions of the model, too. */
function wordsOf(content: string): string {
  const question = questionOf(content);
  return mentionsName(question, botName) ? question.replaceAll(botMention, "").trim() : question;
}
