// deploy/nginx.conf, the load balancer of docker-compose.scale.yml, in a real nginx before two real servers.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { borrowDatabase, giveBackDatabase } from "../world/cluster.ts";
import { freePort as steadyPort } from "../world/free-port.ts";
import { longTest, test } from "../world/long.ts";
import { startNameServer } from "../world/name-server.ts";
import { hasNginx, startNginx } from "../world/nginx.ts";
import { processes, signUp, type Client, type ServerProcess } from "../world/process.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type World } from "../world/world.ts";

if (!hasNginx)
  console.warn("The tests of the load balancer are skipped where nginx is not installed.");
setDefaultTimeout(60_000);

const config = readFileSync(join(import.meta.dir, "../../deploy/nginx.conf"), "utf8");
const metricsToken = "a-token-of-the-metrics";
const addresses = ["127.0.0.1", "127.0.0.2"];

const { start, end } = processes();
const folder = mkdtempSync(join(tmpdir(), "gemini-coop-balancer-"));
const balancers: Bun.Subprocess[] = [];
const nameServers: { stop: () => void }[] = [];
afterAll(async () => {
  for (const child of balancers) child.kill();
  for (const nameServer of nameServers) nameServer.stop();
  await Promise.all(balancers.map((child) => child.exited));
  rmSync(folder, { recursive: true });
  await end();
});

/** Replaces a part of the file, which must be there. */
function replaced(text: string, part: string, by: string): string {
  if (!text.includes(part)) throw new Error(`deploy/nginx.conf no longer has ${part}`);
  return text.replaceAll(part, by);
}

/** Starts nginx with the file, but for its addresses and folders. */
async function balance(to: () => string[], serverPort: number, file = config) {
  const nameServer = await startNameServer(to);
  nameServers.push(nameServer);
  const { port, child, said } = await startNginx(folder, (port, dir) =>
    [
      ["resolver 127.0.0.11 ", `resolver 127.0.0.1:${nameServer.port} `],
      [":8000;", `:${serverPort};`],
      ["listen 8080;", `listen 127.0.0.1:${port};`],
      ["/tmp/", `${dir}/`],
    ].reduce((text, [part = "", by = ""]) => replaced(text, part, by), file),
  );
  balancers.push(child);
  return { url: `http://127.0.0.1:${port}`, said };
}

describe.skipIf(!hasNginx)("before two servers", () => {
  const port = steadyPort();
  let databaseUrl: string;
  let servers: ServerProcess[];
  let url: string;
  let said: () => Promise<string>;
  let ann: Client;
  beforeAll(async () => {
    databaseUrl = await borrowDatabase();
    const env = {
      DATABASE_URL: databaseUrl,
      SECRET_KEY: crypto.randomUUID(),
      METRICS_TOKEN: metricsToken,
      TRUSTED_PROXIES: "127.0.0.1",
      LOG_LEVEL: "warn",
      PORT: String(port),
    };
    servers = [];
    for (const HOST of addresses) servers.push(await start({ ...env, HOST }));
    ({ url, said } = await balance(() => addresses, port));
    ann = await signUp(servers[0] ?? { url }, "ann");
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
    await giveBackDatabase(databaseUrl);
  });

  /** The value of a metric on each server. */
  async function measured(name: string): Promise<number[]> {
    return await Promise.all(
      servers.map(async (server) => {
        const headers = { authorization: `Bearer ${metricsToken}` };
        const text = await (await fetch(`${server.url}/metrics`, { headers })).text();
        return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
      }),
    );
  }

  /** A request by the balancer. nginx adds its own name to the answer, which is therefore not held against the contract. */
  async function ask(method: string, path: string, body?: object) {
    const headers = { authorization: `Bearer ${ann.token}`, "content-type": "application/json" };
    const response = await Bun.fetch(url + path, { method, headers, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  }

  const opened = async () => {
    const socket = new TestSocket(`${url.replace("http", "ws")}/ws?token=${ann.token}&frames=flat`);
    await socket.opened;
    return socket;
  };

  test("sockets are upgraded on both, requests reach both, and a message reaches the sockets of both", async () => {
    const [first] = servers;
    if (!first) throw new Error("no server runs");
    const made = await ann.api(first, "POST", "/api/chats", { name: "Two", is_group: true });
    const chat = made.body;
    const sockets: TestSocket[] = [];
    // One after the other: those that come while nginx asks for the addresses all get the first one.
    for (let n = 0; n < 16; n += 1) sockets.push(await opened());
    const open = await measured("gemini_coop_sockets_open");
    expect(open.every((count) => count > 0)).toBe(true);
    expect(open.reduce((all, count) => all + count)).toBe(16);
    for (const socket of sockets) {
      expect(await socket.ask({ type: "join", chat_id: chat.id })).toMatchObject({
        type: "joined",
      });
    }
    const content = "x".repeat(16_000);
    const sent = await ask("POST", `/api/chats/${chat.id}/messages`, { content });
    expect(sent.status).toBe(200);
    const seen = await Promise.all(sockets.map((socket) => socket.next("message")));
    expect(seen.map((frame) => frame.content)).toEqual(sockets.map(() => content));
    for (const socket of sockets) await socket.close();
  });

  test("servers know a person by the address of the connection, whatever the client says of itself", async () => {
    const body = JSON.stringify({ username: "nobody", password: "wrong horse battery" });
    const request = [
      "POST /api/auth/login HTTP/1.1",
      "Host: chat.example.com",
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
      "X-Forwarded-For: 203.0.113.9",
      "X-Forwarded-Proto: https",
      "Connection: close",
      "",
      body,
    ].join("\r\n");
    const said = Promise.withResolvers<string>();
    let text = "";
    const { hostname, port } = new URL(url);
    createConnection({ host: hostname, port: Number(port), localAddress: "127.0.0.3" })
      .on("data", (bytes: Buffer) => void (text += bytes))
      .on("end", () => said.resolve(text))
      .on("error", said.reject)
      .write(request);
    expect(await said.promise).toStartWith("HTTP/1.1 401 ");
    const sql = postgres(databaseUrl, { max: 1 });
    const [event] = await sql`select address from audit_events order by id desc limit 1`;
    await sql.end();
    expect(event).toEqual({ address: "127.0.0.3" });
  });

  test("when one is killed the other serves everybody, and nobody is told of an error", async () => {
    const sockets = await Promise.all(Array.from({ length: 6 }, opened));
    const [first] = servers;
    first?.signal("SIGKILL");
    await first?.exited;
    const reads = await Promise.all(Array.from({ length: 20 }, () => ask("GET", "/api/chats")));
    const writes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask("POST", "/api/chats", { name: `${n}` })),
    );
    expect([...reads, ...writes].map(({ status }) => status)).toEqual(Array(40).fill(200));
    for (const socket of sockets) socket.ws.close();
    const again = await Promise.all(Array.from({ length: 6 }, opened));
    for (const socket of again) await socket.close();
    // The log has no line of them, since their addresses have tokens.
    expect(await said()).toBe("");
  });
});

describe.skipIf(!hasNginx)("a socket in which nobody says anything", () => {
  const world = useWorld({ durations: { heartbeatMs: 250 } });
  const silent = useWorld({ durations: { heartbeatMs: 3_600_000 } });

  /** A socket through a balancer that waits for a second where the file has a minute and a half. */
  async function idle(to: World): Promise<TestSocket> {
    const hurried = replaced(config, " 90s;", " 1s;");
    const { url } = await balance(() => ["127.0.0.1"], Number(new URL(to.url).port), hurried);
    const { token } = await to.person();
    const socket = new TestSocket(`${url.replace("http", "ws")}/ws?token=${token}`);
    await socket.opened;
    return socket;
  }

  longTest("is kept by the servers' heartbeats, without which nginx closes it", async () => {
    const kept = await idle(world);
    const lost = await idle(silent);
    await lost.closed;
    // Its second is over as well.
    await kept.settle();
    expect(kept.ws.readyState).toBe(WebSocket.OPEN);
    await kept.close();
  });
});
