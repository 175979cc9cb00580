// The list of chats follows what happens in rooms that this client has joined, and in the person's other clients.
import { afterEach, beforeAll, expect, test } from "bun:test";
import { createChatList } from "gemini-coop/client/chat-list";
import { answer, finish, say } from "../world/gemini/script.ts";
import { gateway } from "../answers/asking.ts";
import { useWorld } from "../world/world.ts";
import { createPeople, until, untilLive, type People } from "./people.ts";

const world = useWorld();
let people: People;
beforeAll(async () => {
  people = createPeople(world);
});
afterEach(() => people.closeAll());

test("the preview of a joined chat follows an answer from its beginning to its end", async () => {
  const ann = await people.signedIn();
  const chat = await ann.api.createChat({ name: "Open", is_group: true });
  const list = createChatList(ann);
  list.subscribe(() => undefined);
  const room = ann.room(chat.id);
  await untilLive(room);
  await until(list, ({ chats }) => chats?.length === 1);
  const preview = (text: string) => until(list, ({ chats }) => chats?.[0]?.last_message === text);
  const first = gateway();
  world.gemini.respondWith(answer(say("Because "), first.step, say("of it."), finish()));
  room.send("/bot why?");
  await preview("");
  first.open();
  await preview("Because of it.");
  const second = gateway();
  world.gemini.respondWith(answer(say("Again "), second.step, say("and again."), finish()));
  room.send("/bot and then?");
  await preview("");
  room.send("In between");
  await preview("In between");
  second.open();
  await until(room, ({ messages }) => messages.every(({ status }) => status === "complete"));
  expect(list.getSnapshot().chats?.[0]?.last_message).toBe("In between");
});

test("a rename, and what was read in another client, reach a list whose client has joined nothing", async () => {
  const [ann, ben] = await people.pair();
  const chat = await ann.api.createChat({
    name: "Before",
    is_group: true,
    participant_usernames: [ben.name],
  });
  const list = createChatList(ben);
  list.subscribe(() => undefined);
  await until(list, ({ chats }) => chats?.length === 1);
  await ann.api.sendMessage(chat.id, "one");
  await until(list, ({ chats }) => chats?.[0]?.unread_count === 1);
  const bensPhone = await people.signedIn({}, ben.person);
  await bensPhone.api.markRead(chat.id);
  await until(list, ({ chats }) => chats?.[0]?.unread_count === 0);
  await ann.api.changeChat(chat.id, { name: "After" });
  await until(list, ({ chats }) => chats?.[0]?.name === "After");
});

test("a message that is edited leaves its chat behind those with newer messages", async () => {
  const [ann, ben] = await people.pair();
  const open = (name: string) =>
    ann.api.createChat({ name, is_group: true, participant_usernames: [ben.name] });
  const [older, newer] = [await open("Older"), await open("Newer")];
  const list = createChatList(ben);
  list.subscribe(() => undefined);
  await untilLive(ben.room(older.id));
  await until(list, ({ chats }) => chats?.length === 2);
  const message = await ann.api.sendMessage(older.id, "one");
  await until(list, ({ chats }) => chats?.[0]?.last_message === "one");
  await Bun.sleep(5);
  await ann.api.sendMessage(newer.id, "two");
  await until(list, ({ chats }) => chats?.[0]?.last_message === "two");
  const orders = new Set<string>();
  list.subscribe(() => void orders.add(String(list.getSnapshot().chats?.map(({ id }) => id))));
  await ann.api.editMessage(older.id, message.id, "three");
  await until(list, ({ chats }) => chats?.some((chat) => chat.last_message === "three") ?? false);
  expect([...orders]).toEqual([`${newer.id},${older.id}`]);
});

test("a message that nobody reads in a joined chat is unread in the list, also in a private one, but not where its author is blocked", async () => {
  const [ann, ben] = await people.pair();
  const group = await ann.api.createChat({ is_group: true, participant_usernames: [ben.name] });
  const pair = await ann.api.createChat({ participant_usernames: [ben.name] });
  const list = createChatList(ben);
  list.subscribe(() => undefined);
  for (const { id } of [group, pair]) await untilLive(ben.room(id));
  await until(list, ({ chats }) => chats?.length === 2);
  const unread = (id: number) =>
    list.getSnapshot().chats?.find((chat) => chat.id === id)?.unread_count;
  await ann.api.sendMessage(group.id, "one");
  await ann.api.sendMessage(pair.id, "two");
  await until(list, () => unread(group.id) === 1 && unread(pair.id) === 1);
  await ben.call("PUT", `/api/users/${ann.person.id}/block`);
  await until(list, () => unread(pair.id) === 0);
  await ben.call("DELETE", `/api/users/${ann.person.id}/block`);
  await until(list, () => unread(pair.id) === 1);
});

test("a message that arrives while the first list is being loaded is in the list", async () => {
  const ann = await people.signedIn();
  const chat = await ann.api.createChat({ is_group: true });
  const held = Promise.withResolvers<void>();
  const requested = Promise.withResolvers<void>();
  const phone = await people.signedIn(
    {
      async fetch(url, init) {
        const response = await fetch(url, init);
        if (init?.method !== "GET" || !String(url).endsWith("/api/chats")) return response;
        requested.resolve();
        await held.promise;
        return response;
      },
    },
    ann.person,
  );
  const room = phone.room(chat.id);
  await untilLive(room);
  const list = createChatList(phone);
  list.subscribe(() => undefined);
  await requested.promise;
  await ann.api.sendMessage(chat.id, "meanwhile");
  await until(room, ({ messages }) => messages.length === 1);
  held.resolve();
  await until(list, ({ chats }) => chats?.[0]?.last_message === "meanwhile");
});

test("a private chat without a name has the other's in the list and in the room, also after it has changed", async () => {
  const [ann, ben] = await people.pair();
  const chat = await ann.api.createChat({ is_group: false });
  const [anns, annsList] = [ann.room(chat.id), createChatList(ann)];
  annsList.subscribe(() => undefined);
  await untilLive(anns);
  await ann.api.inviteToChat(chat.id, ben.name);
  await until(anns, (now) => now.chat?.name === ben.name);
  await until(annsList, ({ chats }) => chats?.[0]?.name === ben.name);
  const bens = ben.room(chat.id);
  await until(bens, (now) => now.chat?.name === ann.name);
  await ann.api.changeChat(chat.id, { settings: { temperature: 1 } });
  for (const [room, other] of [
    [anns, ben],
    [bens, ann],
  ] as const) {
    const { chat: now } = await until(room, ({ chat: it }) => it?.settings.temperature === 1);
    expect(now).toMatchObject({ name: other.name, is_named: false });
  }
  await ann.api.changeChat(chat.id, { name: "Us" });
  await until(bens, (now) => now.chat?.name === "Us");
  await until(annsList, ({ chats }) => chats?.[0]?.name === "Us");
});

test("a private chat without a name is called after who is in it, also where nobody has joined it", async () => {
  const [ann, ben] = await people.pair();
  const chat = await ann.api.createChat({ participant_usernames: [ben.name] });
  const list = createChatList(ann);
  list.subscribe(() => undefined);
  const [bens, name] = [await ben.person.socket(), () => list.getSnapshot().chats?.[0]?.name];
  await until(list, () => name() === ben.name);
  await ben.api.leaveChat(chat.id);
  await until(list, () => name() === `${ann.name}, ${ben.name}`);
  await bens.next("removed_from_chat", { chat_id: chat.id });
  await bens.settle();
  expect(bens.ofType("chat_changed")).toEqual([]);
  await ann.api.inviteToChat(chat.id, ben.name);
  await until(list, () => name() === ben.name);
  await ann.api.removeParticipant(chat.id, ben.person.id);
  await until(list, () => name() === `${ann.name}, ${ben.name}`);
});

test("a refresh while an older list is being loaded loads it once more", async () => {
  const ann = await people.signedIn();
  let loads = 0;
  const [loaded, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ben = await people.signedIn({
    async fetch(url, init) {
      const response = await fetch(url, init);
      if (!url.endsWith("/api/chats")) return response;
      loads += 1;
      loaded.resolve();
      await held.promise;
      return response;
    },
  });
  const chat = await ann.api.createChat({
    name: "Busy",
    is_group: true,
    participant_usernames: [ben.name],
  });
  const list = createChatList(ben);
  const first = list.refresh();
  await loaded.promise;
  await ann.api.sendMessage(chat.id, "one");
  const others = [list.refresh(), list.refresh()];
  held.resolve();
  await first;
  await Promise.all(others);
  expect(list.getSnapshot().chats?.map((each) => each.unread_count)).toEqual([1]);
  expect(loads).toBe(2);
});
