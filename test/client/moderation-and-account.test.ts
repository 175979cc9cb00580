// The entries for moderation and for leaving with everything, against a real server.
import { expect, test } from "bun:test";
import { createAccount } from "../../src/client/account.ts";
import { createClient, memoryTokens } from "../../src/client/client.ts";
import { createModeration } from "../../src/client/moderation.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld();

async function signedIn(username: string) {
  const { url } = world;
  const tokens = memoryTokens();
  const client = createClient({ url, tokens });
  const password = "correct horse battery";
  await client.session.register({ username, email: `${username}@example.com`, password });
  const user = await client.session.login({ username, password });
  const account = createAccount({ client, url, tokens });
  return { client, user, password, account, moderation: createModeration(client) };
}

test("a room follows roles, reports are resolved, and a person leaves with everything", async () => {
  const ann = await signedIn("ann");
  const ben = await signedIn("ben");
  const chat = await ann.client.api.createChat({
    is_group: true,
    name: "Physics",
    participant_usernames: ["ben"],
  });
  const room = ben.client.room(chat.id);
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const end = room.subscribe(look);
      function look() {
        if (!condition()) return;
        end();
        resolve();
      }
      look();
    });
  const roleOf = (id: number) =>
    room.getSnapshot().participants.find((person) => person.id === id)?.role;
  await until(() => roleOf(ben.user.id) === "member");
  await ann.moderation.changeRole(chat.id, ben.user.id, "moderator");
  await until(() => roleOf(ben.user.id) === "moderator");
  await ann.client.api.changeChat(chat.id, { name: "Optics" });
  await until(() => room.getSnapshot().chat?.name === "Optics");
  expect(roleOf(ben.user.id)).toBe("moderator");
  await ann.client.api.changeChat(chat.id, { owner_id: ben.user.id });
  await until(() => roleOf(ben.user.id) === "owner");
  expect(roleOf(ann.user.id)).toBe("member");

  const { ok } = await room.send("hello").settled;
  expect(ok).toBe(true);
  const [message] = room.getSnapshot().messages;
  await expect(
    ann.moderation.reportMessage(chat.id, Number(message?.id), "rude"),
  ).resolves.toMatchObject({ status: "open" });
  await expect(ann.moderation.listReports(chat.id)).rejects.toMatchObject({ code: "forbidden" });
  const file = await ann.account.exportChat(chat.id, "html");
  expect([file.isComplete, (await file.content.text()).includes("hello")]).toEqual([true, true]);
  for (const format of ["jsonl", "md"] as const) {
    expect((await ann.account.exportChat(chat.id, format)).isComplete).toBe(true);
  }
  expect((await ann.account.exportMe()).isComplete).toBe(true);
  await expect(ann.account.exportChat(chat.id + 99, "md")).rejects.toMatchObject({
    code: "not_found",
  });
  await expect(ann.account.deleteMe("wrong", "keep")).rejects.toMatchObject({
    code: "wrong_password",
  });
  await ann.account.deleteMe(ann.password, "erase");
  expect(ann.client.session.getSnapshot().signedIn).toBe(false);
  await until(() => roleOf(ann.user.id) === undefined);
  room.close();
  ann.client.close();
  ben.client.close();
});
