import type { Person } from "../world/person.ts";

/** The number of mentions that a person has not read in a chat, as their list of chats says. */
export async function mentionCount(person: Person, chatId: number): Promise<number> {
  const { body } = await person.api("GET", "/api/chats");
  return body.find(({ id }: { id: number }) => id === chatId)?.mention_count;
}
