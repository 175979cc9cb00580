import { describe, expect, test } from "bun:test";
import { deleteAccount } from "../../src/account-deletion/delete-account.ts";
import { Passwords } from "../../src/accounts/passwords.ts";
import { sendMessage } from "../../src/messages/send.ts";
import { noPeers } from "../../src/realtime/ports.ts";
import { answerAndHang, say } from "../world/gemini/script.ts";
import { TestSocket } from "../world/socket.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { password, useLeavers } from "./use-leavers.ts";

const { world, leaver, deleteMe, untilFinished, history } = useLeavers();

describe("deleting an account", () => {
  test("again, since the reply was lost, ends with a session that has ended, not with a wrong password", async () => {
    const ann = await leaver();
    expect((await deleteMe(ann)).status).toBe(200);
    // Another server has found the session a moment ago.
    world.ctx.sessionCache.rememberLive(ann.sessionId, Date.now());
    expectProblem(await deleteMe(ann), 401, "invalid_token");
    await untilFinished();
  });

  test("is refused with a wrong password and with a bad choice, and then changes nothing", async () => {
    const ann = await leaver();
    expectProblem(await deleteMe(ann, "keep", "wrong"), 403, "wrong_password");
    expectInvalid(await deleteMe(ann, "burn"), "/messages");
    expectInvalid(await deleteMe(ann, "keep", null), "/password");
    expect((await ann.api("GET", "/api/auth/me")).status).toBe(200);
    const events = await world.sql`
      select outcome from audit_events where action = 'delete_account' and actor_id = ${ann.id}
    `;
    expect(events.map(({ outcome }) => outcome)).toEqual(["wrong_password"]);
  });

  test("ends tokens and sockets at once, frees the email and keeps the username for ever", async () => {
    const ann = await leaver();
    const socket = await ann.socket();
    expect((await deleteMe(ann)).status).toBe(200);
    const { code, reason } = await socket.closed;
    expect([code, reason.split(":")[0]?.split(" ")[0]]).toEqual([1008, "revoked"]);
    expectProblem(await ann.api("GET", "/api/auth/me"), 401, "invalid_token");
    expectProblem(await deleteMe(ann), 401, "invalid_token");
    const login = { username: ann.username, password };
    expectProblem(await world.call("POST", "/api/auth/login", login), 401, "invalid_credentials");
    for (const username of ["Deleted user", "", "deleted user"]) {
      const answer = await world.call("POST", "/api/auth/login", { username, password });
      expect([401, 422]).toContain(answer.status);
    }
    const register = (username: string, email: string) =>
      world.call("POST", "/api/auth/register", { username, email, password });
    for (const name of [ann.username, ann.username.toUpperCase()]) {
      expectProblem(await register(name, "new@example.com"), 409, "username_taken");
    }
    expect((await register("Deleted user", "new@example.com")).status).toBe(422);
    expect((await register(`${ann.username}x`, ann.email)).status).toBe(200);
  });

  test("leaves nothing of the profile in the row that stays", async () => {
    const ann = await leaver();
    await deleteMe(ann);
    await untilFinished();
    // A new column of users has to be emptied, too.
    const [row] = await world.sql`select to_jsonb(u) as row from users u where id = ${ann.id}`;
    expect(row?.row).toEqual({
      avatar_id: null,
      id: ann.id,
      username: "Deleted user",
      email: "",
      hashed_password: "",
      bot_owner_id: null,
      email_verified_at: null,
      created_at: expect.any(String),
      deleted_at: expect.any(String),
      read_receipts: false,
      presence: "invisible",
      display_name: null,
      bio: null,
      display_name_parts: [],
    });
  });

  test("leaves rows in no table that refers to people, but in those that the rooms need", async () => {
    const staying = [
      "answer_runs",
      "chat_changes",
      "message_reactions",
      "message_reports",
      "messages",
    ];
    const ann = await leaver();
    const ben = await world.person("ben");
    const chat = await ben.chat({ with: [ann] });
    const { id } = await ben.say(chat.id, "hello");
    await ann.api("PUT", `/api/chats/${chat.id}/messages/${id}/reactions/%F0%9F%91%8D`);
    await ann.api("POST", `/api/chats/${chat.id}/messages/${id}/report`, { reason: "no" });
    await ann.api("POST", "/api/auth/ws-ticket");
    await (await ann.socket()).close();
    await ann.api("PUT", `/api/users/${ben.id}/block`);
    await ben.api("PUT", `/api/users/${ann.id}/block`);
    await ann.api("PATCH", "/api/auth/me", { display_name: "Ann Lee", bio: "Optics" });
    await ann.chat();
    await deleteMe(ann);
    await untilFinished();
    const references = await world.sql<{ table: string; column: string }[]>`
      select c.relname as table, a.attname as column
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
      where k.contype = 'f' and k.confrelid = 'users'::regclass
    `;
    expect(references.length).toBeGreaterThan(6);
    for (const { table, column } of references.filter(({ table }) => !staying.includes(table))) {
      const rows = await world.sql`
        select 1 from ${world.sql(table)} where ${world.sql(column)} = ${ann.id}
      `;
      expect([table, rows.length]).toEqual([table, 0]);
    }
  });

  test("hands groups over to the longest-standing moderator, then member, and deletes those of nobody else", async () => {
    const ann = await leaver();
    const [ben, cat] = [await world.person("ben"), await world.person("cat")];
    const alone = await ann.chat();
    const group = await ann.chat({ with: [ben, cat] });
    const moderated = await ann.chat({ with: [ben, cat] });
    const role = { role: "moderator" };
    await ann.api("PATCH", `/api/chats/${moderated.id}/participants/${cat.id}`, role);
    const socket = await ben.joined(group.id);
    await deleteMe(ann);
    const { chat, updated_seq } = await socket.next("chat_updated");
    expect([chat, updated_seq]).toMatchObject([{ owner_id: ben.id }, group.last_seq + 1]);
    expect(await socket.next("participant_removed")).toEqual({
      type: "participant_removed",
      chat_id: group.id,
      user_id: ann.id,
      username: "Deleted user",
      updated_seq: group.last_seq + 2,
    });
    expect((await ben.api("GET", `/api/chats/${moderated.id}`)).body.owner_id).toBe(cat.id);
    const participants = (await ben.api("GET", `/api/chats/${moderated.id}/participants`)).body;
    expect(participants).toMatchObject([
      { id: ben.id, role: "member" },
      { id: cat.id, role: "owner" },
    ]);
    expect(await world.sql`select 1 from chats where id = ${alone.id}`).toHaveLength(0);
    const counts = await world.sql`
      select participant_count, (select count(*) from chat_participants where chat_id = c.id) as rows
      from chats c where id in (${group.id}, ${moderated.id})
    `;
    for (const row of counts) expect(row.participant_count).toBe(Number(row.rows));
    await socket.close();
  });

  test("leaves a private chat to the other person, under another name", async () => {
    const ann = await leaver();
    const ben = await world.person("ben");
    const chat = await ann.chat({ is_group: false, with: [ben] });
    await ann.say(chat.id, "hello");
    const cat = await world.person("cat");
    const { id: catsId } = await cat.chat({ is_group: false, with: [ann] });
    const cats = await cat.socket();
    await deleteMe(ann);
    await cats.next("chat_changed", { chat_id: catsId });
    const { body } = await ben.api("GET", `/api/chats/${chat.id}`);
    expect(body).toMatchObject({ name: "Deleted user", owner_id: ben.id });
    expect(await history(ben, chat.id)).toMatchObject([
      { content: "hello", username: "Deleted user", user_id: ann.id },
    ]);
    const named = { username: ann.username };
    expectProblem(await ben.api("POST", `/api/chats/${chat.id}/invite`, named), 404, "not_found");
    const found = await ben.api("GET", "/api/users/search?query=Deleted");
    expect(found.body).toEqual([]);
  });

  test("gives open rooms on every server the new name of what stays, and tells nobody else", async () => {
    const durations = { purgeMs: 3_600_000, peoplePollMs: 50 };
    const other = world.startAnother({ durations });
    const ann = await leaver();
    const [ben, cat] = [await world.person("ben"), await world.person("cat")];
    await ann.api("PATCH", "/api/auth/me", { display_name: "Ann Lee", bio: "Optics" });
    const chat = await ann.chat({ with: [ben] });
    await ann.say(chat.id, "hello");
    const elsewhere = new TestSocket(
      `${other.url.replace("http", "ws")}/ws?token=${ben.token}&frames=flat`,
    );
    await elsewhere.opened;
    await elsewhere.settle();
    const sockets = [await ben.joined(chat.id), elsewhere];
    const unrelated = await cat.socket();
    await deleteMe(ann);
    for (const socket of sockets) {
      let { user } = await socket.next("user_updated");
      // The profile was changed a moment ago.
      while (Object(user).username !== "Deleted user") {
        ({ user } = await socket.next("user_updated"));
      }
      expect(user).toMatchObject({ id: ann.id, display_name: null, bio: null, avatar_url: null });
    }
    await unrelated.settle();
    expect(unrelated.ofType("user_updated")).toEqual([]);
    for (const socket of [...sockets, unrelated]) await socket.close();
    // It would fill the index of the searches for the tests that follow.
    await other.stop();
  });

  test("stops a running answer to the person's question", async () => {
    const ann = await leaver();
    const ben = await world.person("ben");
    const chat = await ann.chat({ with: [ben] });
    world.gemini.respondWith(answerAndHang(say("One moment")));
    const socket = await ben.joined(chat.id);
    await ann.say(chat.id, "/bot wait");
    await socket.next("bot_stream", { chunk: "One moment" });
    await deleteMe(ann);
    expect(await socket.next("bot_stream", { is_complete: true })).toMatchObject({
      status: "stopped",
    });
    await socket.close();
    // The answer was charged to the chat alone: no count of the person comes back.
    const counted = await world.sql`
      select kind, id::int, total_tokens > 0 as has_tokens from usage_days
      where (kind, id) in (('user', ${ann.id}), ('chat', ${chat.id}))
    `;
    expect([...counted]).toEqual([{ kind: "chat", id: chat.id, has_tokens: true }]);
  });

  test("asks the other server to stop an answer that runs there", async () => {
    const ann = await leaver();
    const chat = await ann.chat({ with: [await world.person("ben")] });
    const other = world.startAnother();
    world.gemini.respondWith(answerAndHang(say("One moment")));
    const caller = { ...ann, expiresAtMs: Infinity };
    await sendMessage(other.ctx, caller, chat.id, { content: "/bot wait" });
    const [runId] = other.ctx.answers.runIds();
    const [run] =
      await world.sql`select message_id::int as id from answer_runs where id = ${runId ?? 0}`;
    const asked: unknown[] = [];
    const peers = { ...noPeers, stopRequested: (...about: unknown[]) => void asked.push(about) };
    const passwords = new Passwords(world.ctx.log, { memoryKiB: 8, passes: 1 });
    await deleteAccount({ ...world.ctx, peers }, passwords, caller, { password, messages: "keep" });
    expect(asked).toEqual([[chat.id, run?.id]]);
    await other.stop();
  });

  test("ends a sign-in that is under way, and an invitation finds nobody", async () => {
    const ann = await leaver();
    const login = { username: ann.username, password };
    const [signedIn, deleted] = await Promise.all([
      world.call("POST", "/api/auth/login", login),
      deleteMe(ann),
    ]);
    expect(deleted.status).toBe(200);
    expect([200, 401]).toContain(signedIn.status);
    expect(await world.sql`select 1 from sessions where user_id = ${ann.id}`).toHaveLength(0);
    const ben = await world.person("ben");
    const chat = await ben.chat();
    const insert = world.sql`
      insert into chat_participants (chat_id, user_id) values (${chat.id}, ${ann.id})
    `;
    await expect((async () => await insert)()).rejects.toThrow("the account was deleted");
  });
});
