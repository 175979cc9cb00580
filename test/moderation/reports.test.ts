import { beforeAll, describe, expect } from "bun:test";
import { join } from "node:path";
import { listForOperators, resolveForOperators } from "../../db/reports.ts";
import { useWorld, type Person } from "../world/world.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld();
let owner: Person;
let mona: Person;
let ben: Person;
let cat: Person;
beforeAll(async () => {
  owner = await world.person("owner");
  mona = await world.person("mona");
  ben = await world.person("ben");
  cat = await world.person("cat");
});

async function scene() {
  const chat = await owner.chat({ with: [mona, ben, cat] });
  const path = `/api/chats/${chat.id}`;
  await owner.api("PATCH", `${path}/participants/${mona.id}`, { role: "moderator" });
  const report = (by: Person, messageId: number, reason: unknown = "It is rude.") =>
    by.api("POST", `${path}/messages/${messageId}/report`, { reason });
  const list = (by: Person, query = "") => by.api("GET", `${path}/reports${query}`);
  const resolve = (by: Person, id: unknown) => by.api("POST", `${path}/reports/${id}/resolve`);
  return { chat, path, report, list, resolve };
}

describe("a report", () => {
  test("reaches the owner and the moderators and nobody else, with the message, the reporter and the reason", async () => {
    const { chat, report, list } = await scene();
    const message = await ben.say(chat.id, "something rude");
    const sockets = await Promise.all([owner, mona, ben, cat].map((person) => person.socket()));
    const [owners, monas, bens, cats] = sockets;
    const { status, body } = await report(cat, message.id, "  It is rude.  ");
    expect(status).toBe(200);
    expect(body).toEqual({
      id: body.id,
      chat_id: chat.id,
      message,
      reporter: { user_id: cat.id, username: cat.username },
      reason: "It is rude.",
      status: "open",
      handled_by: "moderators",
      created_at: time,
      resolved_at: null,
      resolved_by: null,
    });
    for (const socket of [owners!, monas!]) {
      expect(await socket.next("report")).toEqual({
        type: "report",
        chat_id: chat.id,
        report: body,
      });
    }
    for (const socket of [bens!, cats!]) {
      await socket.settle();
      expect(socket.frames.filter(({ type }) => type === "report")).toEqual([]);
    }
    expect((await list(mona)).body).toEqual({ items: [body], next_cursor: null });
    for (const person of [ben, cat]) expectProblem(await list(person), 403, "forbidden");
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  test("is stored once for a person and a message, also of two requests at the same time", async () => {
    const { chat, report, list } = await scene();
    const { id } = await ben.say(chat.id, "rude");
    const answers = await Promise.all([1, 2, 3].map((n) => report(cat, id, `reason ${n}`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect((await report(mona, id)).status).toBe(200);
    expect((await list(owner)).body.items).toHaveLength(2);
    const events = await world.sql`
      select 1 from audit_events where action = 'report_message' and target = ${`chat:${chat.id}`}
    `;
    expect(events).toHaveLength(2);
  });

  test("on a moderator's message is seen by the owner, and on the owner's by the moderators", async () => {
    const { chat, report, list, resolve } = await scene();
    const monas = await mona.say(chat.id, "a moderator's");
    const owners = await owner.say(chat.id, "the owner's");
    const { body: onMona } = await report(ben, monas.id);
    const { body: onOwner } = await report(ben, owners.id);
    expect((await list(owner)).body.items.map(({ id }: { id: number }) => id)).toEqual([onMona.id]);
    expect((await list(mona)).body.items.map(({ id }: { id: number }) => id)).toEqual([onOwner.id]);
    expectProblem(await resolve(mona, onMona.id), 404, "not_found");
    expect((await resolve(owner, onMona.id)).status).toBe(200);
  });

  test("is refused for an own, a deleted and a missing message, and for a bad reason", async () => {
    const { chat, path, report } = await scene();
    const { id } = await ben.say(chat.id, "mine");
    expectProblem(await report(ben, id), 403, "forbidden");
    for (const reason of ["", "   ", "x".repeat(1_001), "\u0000", "\ud800", null, 5]) {
      expectInvalid(await report(cat, id, reason), "/reason");
    }
    expect((await report(cat, id, "🙂".repeat(1_000))).status).toBe(200);
    await ben.api("DELETE", `${path}/messages/${id}`);
    expectProblem(await report(mona, id), 409, "message_deleted");
    const elsewhere = await cat.say((await cat.chat()).id, "elsewhere");
    for (const missing of [elsewhere.id, Number.MAX_SAFE_INTEGER]) {
      expectProblem(await report(cat, missing), 404, "not_found");
    }
  });
});

describe("the list of reports", () => {
  test("has pages, newest first, and can be limited to a status", async () => {
    const { chat, report, list, resolve } = await scene();
    const ids: number[] = [];
    for (let n = 1; n <= 5; n += 1) {
      const { id } = await ben.say(chat.id, `rude ${n}`);
      ids.unshift((await report(cat, id)).body.id);
    }
    const seen: number[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const { body }: { body: { items: { id: number }[]; next_cursor: string | null } } =
        await list(owner, `?limit=2${cursor && `&cursor=${cursor}`}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items.map(({ id }) => id));
      cursor = body.next_cursor;
    }
    expect(seen).toEqual(ids);
    await resolve(mona, ids[1]);
    const open = (await list(mona, "?status=open")).body.items;
    expect(open.map(({ id }: { id: number }) => id)).toEqual(ids.toSpliced(1, 1));
    const resolved = (await list(mona, "?status=resolved")).body.items;
    expect(resolved.map(({ id }: { id: number }) => id)).toEqual([ids[1]]);
    for (const query of ["?limit=0", "?limit=101", "?cursor=x", "?status=all"]) {
      expect((await list(owner, query)).status).toBe(422);
    }
  });
});

describe("resolving", () => {
  test("tells the other moderators, who did it and when, and does nothing the second time", async () => {
    const { chat, report, resolve } = await scene();
    const { id } = await ben.say(chat.id, "rude");
    const { body: open } = await report(cat, id);
    const socket = await owner.socket();
    const { body } = await resolve(mona, open.id);
    expect(body).toEqual({
      ...open,
      status: "resolved",
      resolved_at: time,
      resolved_by: { user_id: mona.id, username: mona.username },
    });
    expect((await socket.next("report")).report).toEqual(body);
    expect((await resolve(owner, open.id)).body).toEqual(body);
    expect((await report(cat, id)).body.id).not.toBe(open.id);
    await socket.close();
  });

  test("is done by the deletion of the message", async () => {
    const { chat, path, report, list } = await scene();
    const { id } = await ben.say(chat.id, "rude");
    await report(cat, id);
    await mona.api("DELETE", `${path}/messages/${id}`);
    expect((await list(owner)).body.items).toMatchObject([
      { status: "resolved", resolved_by: null, message: { id, content: "" } },
    ]);
  });

  test("is refused to members, and for a report of another chat", async () => {
    const [one, other] = [await scene(), await scene()];
    const { id } = await ben.say(one.chat.id, "rude");
    const { body } = await one.report(cat, id);
    expectProblem(await one.resolve(cat, body.id), 403, "forbidden");
    expectProblem(await other.resolve(owner, body.id), 404, "not_found");
  });
});

test("a moderator who is removed while a report waits is not told of it", async () => {
  const { chat, report } = await scene();
  const { id } = await ben.say(chat.id, "rude");
  const [monas, owners] = [await mona.socket(), await owner.socket()];
  await world.whileLocked(
    chat.id,
    1,
    () => report(cat, id),
    (transaction) => transaction`
      delete from chat_participants where chat_id = ${chat.id} and user_id = ${mona.id}
    `,
  );
  await owners.next("report");
  await monas.settle();
  expect(monas.frames.filter(({ type }) => type === "report")).toEqual([]);
  await Promise.all([monas.close(), owners.close()]);
});

describe("a report that nobody in the chat can resolve", () => {
  async function runReports(...args: string[]) {
    const command = Bun.spawn([process.execPath, "db/cli.ts", "reports", ...args], {
      cwd: join(import.meta.dir, "../.."),
      env: { ...process.env, NODE_ENV: "test", DATABASE_URL: world.databaseUrl },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [said, complained] = await Promise.all([
      new Response(command.stdout).text(),
      new Response(command.stderr).text(),
    ]);
    return { code: await command.exited, said, complained };
  }

  longTest(
    "is left to the operators, who list and resolve it; the reporter is told, and a later moderator sees it",
    async () => {
      const chat = await owner.chat({ with: [ben, mona] });
      const path = `/api/chats/${chat.id}`;
      const { id } = await owner.say(chat.id, "rude\n\u001b[31mred\u202e");
      const report = (by: Person, messageId: number) =>
        by.api("POST", `${path}/messages/${messageId}/report`, { reason: "He is\nrude." });
      const { status, body } = await report(ben, id);
      expect([status, body.handled_by, body.status]).toEqual([200, "operators", "open"]);
      // Its own author sees nothing of it.
      expect((await owner.api("GET", `${path}/reports`)).body.items).toEqual([]);
      const others = await report(ben, (await mona.say(chat.id, "fine")).id);
      expect(others.body.handled_by).toBe("moderators");

      const listed = await listForOperators(world.sql);
      expect(listed).toContain(`report ${body.id}, ${body.created_at}, chat ${chat.id}\n`);
      expect(listed).toContain("says: He is rude.\n");
      expect(listed).toContain(`(user ${owner.id}): rude [31mred`);
      expect(listed).not.toContain(`report ${others.body.id},`);

      await owner.api("PATCH", `${path}/participants/${mona.id}`, { role: "moderator" });
      // The other report is about a message of hers.
      expect((await mona.api("GET", `${path}/reports?status=open`)).body.items).toMatchObject([
        { id: body.id, handled_by: "moderators" },
      ]);
      expect(await listForOperators(world.sql)).not.toContain(`report ${body.id},`);
      const resolve = () => resolveForOperators(world.sql, body.id);
      await expect(resolve()).rejects.toThrow("There is no open report");
      await owner.api("PATCH", `${path}/participants/${mona.id}`, { role: "member" });

      expect(await runReports("resolve", String(body.id))).toMatchObject({
        code: 0,
        said: `resolved report ${body.id}\n`,
      });
      await expect(resolve()).rejects.toThrow("There is no open report");
      const events = await world.sql`
      select actor_id, details from audit_events where action = 'resolve_report' and target = ${`chat:${chat.id}`}
    `;
      expect(events).toMatchObject([{ actor_id: null, details: { report_id: body.id } }]);
    },
  );

  longTest("is named to the command by its number only", async () => {
    expect(await runReports("resolve", "x")).toMatchObject({
      code: 1,
      complained: expect.stringContaining("with a report's number"),
    });
  });
});
