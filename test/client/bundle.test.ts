// The client as applications receive it: small, without code of the server, and usable in Node.js.
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { startWorld } from "../world/world.ts";
import { longTest, test } from "../world/long.ts";

const gzipBytesMax = 10 * 1024;
const root = join(import.meta.dir, "../..");
const entry = join(root, "src/client/client.ts");
const timeoutMs = 60_000;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gemini-coop-bundle-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function bundle(path: string, options: Partial<Bun.BuildConfig> = {}): Promise<string> {
  const { outputs } = await Bun.build({ entrypoints: [path], target: "browser", ...options });
  const [output] = outputs;
  if (!output || outputs.length > 1) throw new Error(`it became ${outputs.length} files`);
  return await output.text();
}

test("all of it is at most 10 KiB, minified and compressed, and imports nothing", async () => {
  const code = await bundle(entry, { minify: true });
  expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(gzipBytesMax);
  const transpiler = new Bun.Transpiler({ loader: "js" });
  expect(transpiler.scan(code).imports).toEqual([]);
  expect(transpiler.scan(code).exports).toEqual(["ProblemError", "createClient", "memoryTokens"]);
});

test("the list of chats, what a browser stores, and the fault proxy have entry points of their own", async () => {
  const names = [
    "account",
    "keys",
    "hooks",
    "push",
    "sign-in",
    "attachments",
    "moderation",
    "chat-list",
    "details",
    "past-messages",
    "people",
    "pictures",
    "presence",
    "search",
    "stored-tokens",
    "stored-outbox",
    "webhooks",
  ];
  for (const name of names) {
    const code = await bundle(join(entry, `../${name}.ts`), { minify: true });
    expect([name, gzipSync(code).length < 2_048]).toEqual([name, true]);
  }
  const kit = await bundle(join(root, "tools/fault-proxy/proxy.ts"), { target: "node" });
  const imports = new Bun.Transpiler({ loader: "js" }).scan(kit).imports;
  expect(imports.map(({ path }) => path)).toEqual(["node:net"]);
});

/** Runs in Node.js: a person registers, opens a room through a proxy that cuts connections, and sends messages. */
const conversation = `
  import { createClient } from "gemini-coop/client";
  import { startFaultProxy } from "gemini-coop/client/faults";
  const proxy = await startFaultProxy({ target: process.argv[2], seed: "node" });
  const client = createClient({ url: proxy.url, WebSocket, timing: { retryMs: 5, retryMsMax: 50 } });
  const input = { username: "node", email: "node@example.com", password: "correct horse" };
  await client.session.register(input);
  await client.session.login(input);
  const { id } = await client.api.createChat({ is_group: true });
  const room = client.room(id);
  const first = await room.send("one").settled;
  proxy.cut();
  const second = await room.send("two").settled;
  await new Promise((resolve) => {
    const look = () => room.getSnapshot().messages.length === 2 && resolve();
    room.subscribe(look);
    look();
  });
  const contents = room.getSnapshot().messages.map(({ content }) => content);
  client.close();
  await proxy.stop();
  console.log(JSON.stringify({ first, second, contents, ...client.connection.getSnapshot() }));
`;

async function run(...command: string[]) {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe", timeout: timeoutMs });
  const [said, complained] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(complained);
  return said;
}

longTest(
  "Node.js 20 runs the built client, the fault proxy and the example of the README",
  async () => {
    const world = await startWorld();
    try {
      const installed = join(folder, "node_modules/gemini-coop");
      await Bun.write(join(installed, "package.json"), Bun.file(join(root, "package.json")));
      await Bun.write(join(folder, "conversation.mjs"), conversation);
      const build = ["run", "--cwd", root, "build:client", "--outdir"];
      await run(process.execPath, ...build, join(installed, "dist"));
      const node = ["node", "--no-warnings", "--experimental-websocket"];
      const said = await run(...node, join(folder, "conversation.mjs"), world.url);
      expect(JSON.parse(said)).toEqual({
        first: { ok: true, message_id: expect.any(Number), seq: 1 },
        second: { ok: true, message_id: expect.any(Number), seq: 2 },
        contents: ["one", "two"],
        state: "offline",
        reason: "bye",
      });

      const readme = await Bun.file(join(entry, "../README.md")).text();
      const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
      const code = example.replace("http://localhost:8000", world.url);
      await Bun.write(join(folder, "example.mjs"), `${code}\nclient.close();`);
      expect(await run(...node, join(folder, "example.mjs"))).toContain("ok: true");
    } finally {
      await world.stop();
    }
  },
  timeoutMs,
);
