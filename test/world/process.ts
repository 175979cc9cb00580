// The real server as a child process, with nothing of this process's environment, and people who use it over HTTP.
import { setDefaultTimeout } from "bun:test";
import { chmodSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { within } from "../../src/schedule.ts";
import { removeFolder } from "./folder.ts";
import { TestSocket } from "./socket.ts";

const main = join(import.meta.dir, "../../src/main.ts");
/** The limit of a wait, which is longer than any start or stop may take, and shorter than a test may. */
const eventTimeoutMs = 30_000;
const testTimeoutMs = 60_000;
const endTimeoutMs = 15_000;

export type ServerProcess = ReturnType<typeof spawnServer>;

/** Folders and processes of a test file. Call `end` after it: it ends what still runs. */
export function processes() {
  setDefaultTimeout(testTimeoutMs);
  // PostgreSQL's own account must be able to pass through.
  const folder = mkdtempSync(join(tmpdir(), "gemini-coop process "));
  chmodSync(folder, 0o755);
  const spawned: ServerProcess[] = [];
  let folders = 0;

  function spawn(env: Record<string, string>, program?: readonly string[]) {
    const server = spawnServer(env, folder, program);
    spawned.push(server);
    return server;
  }

  return {
    /** Where the servers are started: their default data folder is in it. */
    folder,
    spawn,
    /** A server that takes requests. */
    async start(env: Record<string, string>, program?: readonly string[]) {
      const server = spawn(env, program);
      await server.listening();
      return server;
    },
    /** The name of a data folder that does not exist yet. */
    dataDir() {
      folders += 1;
      return join(folder, `data ${folders}`);
    },
    /** In order, so that no PostgreSQL still writes where it is deleted. */
    async end() {
      for (const server of spawned) server.signal("SIGTERM");
      await within(endTimeoutMs, Promise.all(spawned.map((server) => server.exited)));
      for (const server of spawned) server.signal("SIGKILL");
      removeFolder(folder);
    },
  };
}

/**
 * @param env besides it only PATH, HOST 127.0.0.1 and PORT 0 are set
 * @param program the command that runs the server
 */
export function spawnServer(
  env: Record<string, string>,
  cwd: string,
  program: readonly string[] = [process.execPath, main],
) {
  const child = Bun.spawn([...program], {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOST: "127.0.0.1",
      PORT: "0",
      // Production refuses it.
      ...(env.NODE_ENV === "production" ? {} : { RATE_LIMITS: "off" }),
      ...env,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let output = "";
  let url: string | undefined;
  const wishes = new Set<() => void>();
  const look = () => {
    for (const wish of wishes) wish();
  };
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      output += decoder.decode(bytes, { stream: true });
      look();
    }
  };
  const ended = Promise.all([child.exited, read(child.stdout), read(child.stderr)]);
  const exited = ended.then(([code]) => code);
  void exited.then(look);

  /** Settles when the output, from its beginning on, has a match. */
  function says(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const fail = (why: string) =>
      reject(new Error(`${why} ${String(pattern)}. It said:\n${output}`));
    const timer = setTimeout(() => fail("the server did not say"), eventTimeoutMs);
    const wish = () => {
      const match = pattern.exec(output);
      if (match) resolve(match);
      else if (child.exitCode !== null || child.signalCode !== null)
        fail("the server ended before");
    };
    wishes.add(wish);
    wish();
    return promise.finally(() => {
      clearTimeout(timer);
      wishes.delete(wish);
    });
  }

  return {
    pid: child.pid,
    says,
    /** Settles with its exit code (that of a shell after a signal) when everything that it said has been read. */
    exited,
    get output() {
      return output;
    },
    get url() {
      if (url === undefined) throw new Error("wait until it is listening");
      return url;
    },
    /** @returns its address */
    async listening(): Promise<string> {
      const [, address] = await says(/(?:^ +api +|"api":")(http:\/\/[\d.]+:\d+)\/api/m);
      return (url = address ?? "");
    },
    signal(name: NodeJS.Signals) {
      child.kill(name);
    },
    /** Ends it in order. @returns its exit code */
    stop(name: NodeJS.Signals = "SIGTERM"): Promise<number> {
      child.kill(name);
      return exited;
    },
  };
}

/** A server, wherever it runs. */
export interface Reachable {
  readonly url: string;
}

export type Client = Awaited<ReturnType<typeof signUp>>;

const password = "correct horse battery";

/** Somebody who registers and signs in over HTTP. */
export async function signUp(server: Reachable, username: string) {
  await call(server, "POST", "/api/auth/register", {
    username,
    email: `${username}@example.com`,
    password,
  });
  const { body } = await call(server, "POST", "/api/auth/login", { username, password });
  return client(body.access_token, body.refresh_token);
}

/** Somebody with tokens that a server has given out, perhaps before it was started again. */
export function client(token: string, refreshToken: string) {
  return {
    token,
    refreshToken,
    password,
    api: (server: Reachable, method: string, path: string, body?: unknown) =>
      call(server, method, path, body, { authorization: `Bearer ${token}` }),
    async joined(server: Reachable, chatId: number, afterSeq?: number) {
      const socket = new TestSocket(
        `${server.url.replace("http", "ws")}/ws?token=${token}&frames=flat`,
      );
      await socket.opened;
      socket.send({ type: "join", chat_id: chatId, after_seq: afterSeq });
      await socket.next("joined", { chat_id: chatId });
      return socket;
    },
  };
}

export async function call(
  server: Reachable,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const response = await fetch(server.url + path, {
    method,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    // Each test asserts the body itself.
    body: JSON.parse(text),
  };
}
