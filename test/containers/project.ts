// A copy of this repository as somebody has it who has just cloned it, with a compose project of its own.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

const root = join(import.meta.dir, "../..");
const cloned = [
  ".dockerignore",
  ".env.example",
  "Dockerfile",
  "bun.lock",
  "bunfig.toml",
  "db",
  "deploy",
  "docker-compose.dev.yml",
  "docker-compose.scale.yml",
  "docker-compose.yml",
  "package.json",
  "src",
  "tsconfig.json",
];

export interface Said {
  code: number;
  /** Standard output and standard error. */
  output: string;
}

const State = z.object({
  Pid: z.int(),
  ExitCode: z.int(),
  StartedAt: z.coerce.date(),
  FinishedAt: z.coerce.date(),
  Health: z.object({ Log: z.array(z.object({ End: z.string(), ExitCode: z.int() })) }).optional(),
});
const Container = z.object({
  State,
  HostConfig: z.object({ ReadonlyRootfs: z.boolean(), Memory: z.int() }),
});
const Image = z.object({
  Size: z.int(),
  Config: z.object({
    User: z.string(),
    Env: z.array(z.string()),
    Labels: z.record(z.string(), z.string()),
    Healthcheck: z.object({ StartInterval: z.int() }).optional(),
  }),
});

/** A port on which nobody listens. */
function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
}

export type Project = ReturnType<typeof openProject>;

export function openProject() {
  const folder = mkdtempSync(join(tmpdir(), "gemini-coop-containers-"));
  for (const name of cloned) cpSync(join(root, name), join(folder, name), { recursive: true });
  cpSync(join(folder, ".env.example"), join(folder, ".env"));
  const ports = { http: freePort(), postgres: freePort(), pgadmin: freePort() };
  const env = {
    ...process.env,
    COMPOSE_PROJECT_NAME: `gemini-coop-${process.pid}`,
    COMPOSE_ANSI: "never",
    PORT: String(ports.http),
    POSTGRES_PORT: String(ports.postgres),
    PGADMIN_PORT: String(ports.pgadmin),
  };

  async function run(command: string[], more: Record<string, string> = {}): Promise<Said> {
    const child = Bun.spawn(command, {
      cwd: folder,
      env: { ...env, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { code: await child.exited, output: said.join("") };
  }
  const docker = (...args: string[]) => run(["docker", ...args]);
  /** @throws Error with what was said when it fails */
  async function succeed(...args: string[]): Promise<string> {
    const { code, output } = await docker(...args);
    if (code !== 0) throw new Error(`docker ${args.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }
  const inspected = async (name: string) => {
    const [first]: unknown[] = z
      .array(z.unknown())
      .parse(JSON.parse(await succeed("inspect", name)));
    return first;
  };

  return {
    folder,
    url: `http://127.0.0.1:${ports.http}`,
    databaseUrl: `postgresql://gemini_user:gemini_password@127.0.0.1:${ports.postgres}/gemini_coop`,
    run,
    docker,
    succeed,
    compose: (...args: string[]) => succeed("compose", ...args),
    async container(service: string) {
      const id = (await succeed("compose", "ps", "-aq", service)).trim();
      return Container.parse(await inspected(id));
    },
    image: async (name: string) => Image.parse(await inspected(name)),
    /** Changes one of the project's files. */
    edit(path: string, change: (text: string) => string) {
      const file = join(folder, path);
      const before = readFileSync(file, "utf8");
      const after = change(before);
      if (after === before) throw new Error(`the edit of ${path} changes nothing`);
      writeFileSync(file, after);
    },
    async close() {
      await docker("compose", "--profile", "tools", "down", "--volumes", "--remove-orphans");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
