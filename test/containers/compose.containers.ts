// `cp .env.example .env && docker compose up --build`, and what people do then.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { client, signUp, type Client } from "../world/process.ts";
import { openProject, type Project } from "./project.ts";

const root = join(import.meta.dir, "../..");

let project: Project;
let ada: Client;
let chatId: number;
beforeAll(async () => {
  project = openProject();
  await project.compose("up", "--build", "--wait");
  ada = await signUp(project, "ada");
  const { body } = await ada.api(project, "POST", "/api/chats", {
    name: "Physics",
    is_group: true,
  });
  chatId = body.id;
});
afterAll(() => project.close());

const contentsOf = async (who: Client) => {
  const { body } = await who.api(project, "GET", `/api/chats/${chatId}/messages`);
  return body.map((message: { content: string }) => message.content);
};
const memoryOf = (pid: number) => {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
};

describe("docker compose up --build", () => {
  test("migrates first, then serves, on a root file system that is read-only", async () => {
    const [migrate, backend] = [
      await project.container("migrate"),
      await project.container("backend"),
    ];
    expect(migrate.State.ExitCode).toBe(0);
    expect(backend.State.StartedAt.getTime()).toBeGreaterThan(migrate.State.FinishedAt.getTime());
    expect(backend.HostConfig).toMatchObject({ ReadonlyRootfs: true });
    expect(backend.HostConfig.Memory).toBeGreaterThan(0);

    const healthy = backend.State.Health?.Log.find(({ ExitCode }) => ExitCode === 0);
    const [, at = ""] = /^(\S+ \S+)\d{6} /.exec(healthy?.End ?? "") ?? [];
    const healthyAt = Date.parse(`${at.replace(" ", "T")}Z`) || Date.parse(healthy?.End ?? "");
    console.log(`healthy ${healthyAt - backend.State.StartedAt.getTime()} ms after its start`);
    console.log(`resident: ${memoryOf(backend.State.Pid).toFixed(0)} MB`);
  });

  test("says what /bot will answer without a key", async () => {
    expect(await project.compose("logs", "backend")).toContain(
      "offline demonstration: GEMINI_API_KEY is not set",
    );
    const socket = await ada.joined(project, chatId);
    socket.send({ type: "message", chat_id: chatId, content: "/bot Why is the sky blue?" });
    const end = await socket.next("bot_stream", { is_complete: true });
    expect(end.full_response).toContain("GEMINI_API_KEY");
    await socket.close();
  });

  test("has the page and the documents", async () => {
    const page = await (await fetch(project.url)).text();
    const addresses = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address);
    expect(addresses.length).toBe(5);
    const paths = [...addresses, "/docs", "/docs/socket", "/docs/assets/swagger-ui-bundle.js"];
    for (const path of [...paths, "/openapi.json", "/asyncapi.json"]) {
      expect([path, (await fetch(project.url + path)).status]).toEqual([path, 200]);
    }
  });

  test("lets psql in, inside and on the port of this machine", async () => {
    const statement = "select count(*) from users";
    const said = await project.compose(
      ...["exec", "-T", "postgres", "psql", "-U", "gemini_user", "-d", "gemini_coop"],
      ...["-h", "127.0.0.1", "-Atc", statement],
    );
    expect(said.trim()).toBe("1");
  });

  test("has a database that `bun run db:status` works on", async () => {
    const { code, output } = await project.run(
      [process.execPath, join(root, "db/cli.ts"), "status"],
      { DATABASE_URL: project.databaseUrl },
    );
    expect(code).toBe(0);
    expect(output).toContain("applied  20261122000001_users.sql");
    expect(output).not.toContain("pending");
  });

  test("restarts the backend without losing what was acknowledged, and tells the sockets", async () => {
    const socket = await ada.joined(project, chatId);
    const acked = await socket.ask({
      type: "message",
      chat_id: chatId,
      content: "before the restart",
    });
    expect(acked.type).toBe("ack");
    await project.compose("restart", "backend");
    expect((await socket.closed).code).toBe(1012);
    await project.compose("up", "--wait");
    expect(await contentsOf(client(ada.token, ada.refreshToken))).toContain("before the restart");
  });

  test("stops in order, with the exit code 0, and finds everything again", async () => {
    const socket = await ada.joined(project, chatId);
    const sent: string[] = [];
    const stopping = project.compose("stop");
    for (let index = 0; socket.ws.readyState === WebSocket.OPEN; index += 1) {
      const content = `while it stops ${index}`;
      const reply = await Promise.race([
        socket.ask({ type: "message", chat_id: chatId, content }),
        socket.closed.then(() => undefined),
      ]);
      if (reply?.type === "ack") sent.push(content);
    }
    await stopping;
    for (const service of ["backend", "postgres"]) {
      expect((await project.container(service)).State.ExitCode).toBe(0);
    }
    await project.compose("up", "--wait");
    const { body } = await ada.api(project, "GET", `/api/chats/${chatId}/messages?limit=100`);
    const stored = body.map((message: { content: string }) => message.content);
    expect(stored).toEqual(expect.arrayContaining(sent.slice(-50)));
  });
});

describe("what db/README.md says of backups", () => {
  const lines = (title: string) => {
    const [, section = ""] = readFileSync(join(root, "db/README.md"), "utf8").split(title);
    return section.split("```")[0]?.trim().split("\n") ?? [];
  };

  test("works in the containers, by PostgreSQL's own programs", async () => {
    const commands = lines("from inside its container:\n\n```sh\n").filter((line) => line !== "");
    expect(commands.length).toBe(6);
    const before = await contentsOf(ada);
    for (const command of commands) {
      const { code, output } = await project.run(["bash", "-c", command]);
      expect([command, code, output]).toEqual([command, 0, expect.any(String)]);
    }
    await project.compose("up", "--wait");
    expect(await contentsOf(ada)).toEqual(before);
  });

  test("works from this machine, into another database", async () => {
    const cli = (database: string, ...args: string[]) =>
      project.run([process.execPath, join(root, "db/cli.ts"), ...args], { DATABASE_URL: database });
    const file = join(project.folder, "backup.sql.gz");
    const saved = await cli(project.databaseUrl, "backup", file);
    expect(saved.code).toBe(0);
    const elsewhere = project.databaseUrl.replace(/gemini_coop$/, "restored");
    const restored = await cli(elsewhere, "restore", file);
    expect(restored.output).toContain("restored 1 users, 1 chats");
  });
});

describe("migrations in containers", () => {
  test("run once, however many begin at the same time", async () => {
    await project.compose("stop", "backend");
    const psql = (...args: string[]) =>
      project.compose(...["exec", "-T", "postgres", "psql", "-U", "gemini_user", ...args]);
    await psql("-d", "postgres", "-c", "create database migrating");
    const address = "postgresql://gemini_user:gemini_password@postgres:5432/migrating";
    const runs = await Promise.all(
      Array.from({ length: 4 }, () =>
        project.docker(...["compose", "run", "--rm", "-e", `DATABASE_URL=${address}`, "migrate"]),
      ),
    );
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    const applied = runs.filter(({ output }) =>
      output.includes("applied 20261122000001_users.sql"),
    );
    expect(applied.length).toBe(1);
  });

  test("that fail stop the start, with their name and what the database said", async () => {
    await Bun.write(
      `${project.folder}/db/migrations/20990101000001_broken.sql`,
      "-- migrate:up\ncreate table half (id int);\nselect 1 / 0;\n\n-- migrate:down\n",
    );
    const { code, output } = await project.docker("compose", "up", "--build", "--wait");
    expect(code).not.toBe(0);
    expect(output).toContain("migrate");
    expect(await project.compose("logs", "migrate")).toMatch(
      /20990101000001_broken\.sql failed: .*division by zero/,
    );
    expect((await project.compose("ps", "--services", "--status", "running")).trim()).toBe(
      "postgres",
    );
    const tables = await project.compose(
      ...["exec", "-T", "postgres", "psql", "-U", "gemini_user", "-d", "gemini_coop"],
      ...["-Atc", "select to_regclass('half') is null"],
    );
    expect(tables.trim()).toBe("t");
  });
});

test("docker compose down -v leaves nothing", async () => {
  await project.compose("down", "--volumes");
  const left = await project.compose("ps", "-aq");
  expect(left.trim()).toBe("");
  const volumes = await project.succeed(
    "volume",
    "ls",
    "-q",
    "--filter",
    "label=com.docker.compose.project",
  );
  expect(volumes).not.toContain(`gemini-coop-${process.pid}_`);
});

test("the profile tools has pgAdmin, which knows the server", async () => {
  const { services, configs } = JSON.parse(
    await project.compose("--profile", "tools", "config", "--format", "json"),
  );
  expect(services.pgadmin.environment).toMatchObject({
    PGADMIN_DEFAULT_EMAIL: "admin@gemini.local",
    PGADMIN_DEFAULT_PASSWORD: "admin",
  });
  const { Servers } = JSON.parse(configs["pgadmin-servers"].content);
  expect(Servers["1"]).toMatchObject({ Host: "postgres", Username: "gemini_user" });
  const without = JSON.parse(await project.compose("config", "--format", "json"));
  expect(Object.keys(without.services).toSorted()).toEqual(["backend", "migrate", "postgres"]);
});
