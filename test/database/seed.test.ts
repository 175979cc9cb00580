import { expect } from "bun:test";
import { join } from "node:path";
import { giveBackDatabase, emptyDatabase } from "../world/cluster.ts";
import { longTest, test } from "../world/long.ts";
import { startWorld, useWorld } from "../world/world.ts";

const command = join(import.meta.dir, "../../db/seed.ts");
const unset = { NODE_ENV: "", SECRET_KEY: "", GEMINI_API_KEY: "", GEMINI_BASE_URL: "" };

const world = useWorld();

async function seed(env: Record<string, string>) {
  const child = Bun.spawn([process.execPath, command], {
    env: { ...process.env, ...unset, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [said, complained] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, said, complained };
}

async function signIn(username: string) {
  const { body } = await world.call("POST", "/api/auth/login", {
    username,
    password: "gemini-coop",
  });
  const get = async (path: string) => {
    const headers = { authorization: `Bearer ${body.access_token}` };
    return (await world.call("GET", path, undefined, headers)).body;
  };
  return { get };
}

longTest(
  "the seed makes people who can sign in and find their chats, and a second run changes nothing",
  async () => {
    const env = { DATABASE_URL: world.databaseUrl };
    const first = await seed(env);
    expect(first).toMatchObject({ code: 0, complained: "" });
    expect(first.said).toContain("username alice   password gemini-coop");

    const alice = await signIn("alice");
    const chats = await alice.get("/api/chats");
    const named = (name: string) => chats.find((chat: { name: string }) => chat.name === name);
    expect(named("Alice and Bob")).toMatchObject({ is_group: false, unread_count: 0 });
    expect(named("Physics homework")).toMatchObject({
      is_group: true,
      last_message: "Good question, Carol.",
    });
    expect(named("Gemini")).toMatchObject({ is_ai_chat: true, unread_count: 1 });

    const carol = await signIn("carol");
    expect(await alice.get("/api/auth/me")).toMatchObject({ display_name: "Alice Martín" });
    expect(await carol.get("/api/auth/me")).toMatchObject({ display_name: "Carol 李" });
    const history = await carol.get(`/api/chats/${named("Physics homework").id}/messages`);
    expect(history.map((message: { username: string }) => message.username)).toEqual([
      "alice",
      "carol",
      "carol",
      "Gemini",
      "bob",
    ]);
    expect(history[3]).toMatchObject({ status: "complete", answer_to: history[2].id });
    expect(history[3].content).toContain("offline demonstration");

    expect(await seed(env)).toEqual(first);
    expect(await alice.get("/api/chats")).toEqual(chats);
    expect(await carol.get(`/api/chats/${named("Physics homework").id}/messages`)).toEqual(history);
    const [left] = await world.sql`select count(*) as sessions from sessions`;
    expect(left).toEqual({ sessions: 2 });
  },
  20_000,
);

longTest(
  "the seed migrates a database in which nothing is",
  async () => {
    const url = await emptyDatabase();
    expect(await seed({ DATABASE_URL: url })).toMatchObject({ code: 0, complained: "" });
    await giveBackDatabase(url);
  },
  20_000,
);

test("the seed refuses production, and touches nothing there", async () => {
  const { code, said, complained } = await seed({
    NODE_ENV: "production",
    DATABASE_URL: "postgres://127.0.0.1:1/nowhere",
    SECRET_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString("base64"),
  });
  expect({ code, said }).toEqual({ code: 1, said: "" });
  expect(complained).toBe("The seed has well-known passwords: it is not for production.\n");
}, 20_000);

longTest(
  "the seed says so when one of its names belongs to somebody else",
  async () => {
    const other = await startWorld();
    await other.call("POST", "/api/auth/register", {
      username: "Bob",
      email: "somebody@example.com",
      password: "correct horse battery",
    });
    const { code, complained } = await seed({ DATABASE_URL: other.databaseUrl });
    expect(code).toBe(1);
    expect(complained).toBe("Failed: bob has registered here with another password.\n");
    await other.stop();
  },
  20_000,
);
