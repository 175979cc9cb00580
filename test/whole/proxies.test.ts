// Behind real proxies: the README's examples, and the spellings of the Host header that are common in the field.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exchange } from "../http/raw.ts";
import { CapturedLog } from "../world/captured.ts";
import { freePort, hasNginx, startNginx, untilListening } from "../world/nginx.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type World } from "../world/world.ts";

const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
const caddy = Bun.which("caddy");
if (!hasNginx || !caddy) {
  console.warn("The tests with nginx and Caddy are skipped where these are not installed.");
}

const log = new CapturedLog();
const world = useWorld({
  logTo: log,
  env: { TRUSTED_PROXIES: "127.0.0.1", LOG_LEVEL: "warn" },
});
/** A server that trusts no proxy. */
const untrusting = useWorld();
let folder: string;
const children: Bun.Subprocess[] = [];
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "gemini-coop-proxies-"))));
afterAll(async () => {
  for (const child of children) child.kill();
  await Promise.all(children.map((child) => child.exited));
  rmSync(folder, { recursive: true });
});

/** Starts nginx with one `server` block. @returns its port */
async function startNginxWith(server: (port: number) => string): Promise<number> {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const { port, child } = await startNginx(
    folder,
    (port, dir) => `
    pid ${dir}/pid; error_log ${dir}/error.log;
    events {}
    http {
      access_log off;
      ${paths.map((name) => `${name}_temp_path ${dir}/${name};`).join(" ")}
      ${server(port)}
    }`,
  );
  children.push(child);
  return port;
}

/** One `server` block with these lines in its location. */
const passingTo =
  (target: World, ...lines: string[]) =>
  (port: number) => `
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${target.url};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      ${lines.join("\n")}
    }
  }`;

function block(language: string): string {
  const [, code = ""] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(readme) ?? [];
  return code;
}

/** Connects through a proxy as a browser does that shows a page of `origin`. */
async function connect(port: number, to: World, origin: string): Promise<"open" | "refused"> {
  const { token } = await to.person();
  const { host } = new URL(origin);
  const socket = new TestSocket(`ws://127.0.0.1:${port}/ws?token=${token}`, { origin, host });
  try {
    await socket.opened;
  } catch {
    return "refused";
  }
  await socket.settle();
  await socket.close();
  return "open";
}

describe.skipIf(!hasNginx)("behind nginx", () => {
  test("the README's example serves requests and sockets, and tells where they come from", async () => {
    const example = block("nginx")
      .replace(/^ *ssl_certificate.*\n/gm, "")
      .replace("http://127.0.0.1:8000", world.url)
      .replace("$scheme", "https");
    const port = await startNginxWith((free) => example.replace("443 ssl", `127.0.0.1:${free}`));
    expect(await connect(port, world, "https://chat.example.com")).toBe("open");
    const request = "GET /health HTTP/1.1\r\nHost: chat.example.com\r\n\r\n";
    const answer = await exchange(`http://127.0.0.1:${port}`, request, "healthy");
    expect(answer).toMatch(/^strict-transport-security: /im);
  });

  test.each([
    ["Host $host:443", "https://chat.example.com"],
    ["Host $host:80", "http://chat.example.com"],
    ["Host $http_host", "https://chat.example.com:8443"],
    ["Host $host", "https://chat.example.com"],
  ])("with %s a page of %s connects, whomever the server trusts", async (header, origin) => {
    for (const to of [world, untrusting]) {
      const port = await startNginxWith(passingTo(to, `proxy_set_header ${header};`));
      expect(await connect(port, to, origin)).toBe("open");
    }
  });

  const forwarding: [what: string, lines: string[], origin: string][] = [
    [
      "without a Host line, but with X-Forwarded-Host",
      ["X-Forwarded-Host $http_host"],
      "https://chat.example.com:8443",
    ],
    [
      "with $host on another port, and X-Forwarded-Port",
      ["Host $host", "X-Forwarded-Port 8443"],
      "https://chat.example.com:8443",
    ],
    [
      "with the port of plain HTTP, and X-Forwarded-Proto",
      ["Host $host:80", "X-Forwarded-Proto https"],
      "https://chat.example.com",
    ],
  ];
  test.each(forwarding)(
    "%s a page connects where the proxy is trusted only",
    async (_, lines, origin) => {
      const headers = lines.map((line) => `proxy_set_header ${line};`);
      for (const [to, outcome] of [
        [world, "open"],
        [untrusting, "refused"],
      ] as const) {
        const port = await startNginxWith(passingTo(to, ...headers));
        expect(await connect(port, to, origin)).toBe(outcome);
      }
    },
  );

  test("with a scheme that is not the page's, a page is refused", async () => {
    const headers = ["proxy_set_header Host $host;", "proxy_set_header X-Forwarded-Proto https;"];
    const port = await startNginxWith(passingTo(world, ...headers));
    expect(await connect(port, world, "http://chat.example.com")).toBe("refused");
  });

  test("without any host of the page's it is refused, and the log tells once what to set", async () => {
    const port = await startNginxWith(passingTo(world));
    const origin = "https://lost.example.com";
    for (let tries = 0; tries < 3; tries += 1) {
      expect(await connect(port, world, origin)).toBe("refused");
    }
    const line = await log.find({ origin });
    expect(line).toMatchObject({ hosts: [new URL(world.url).host], setting: "CORS_ORIGINS" });
    expect(String(line.msg)).toContain("TRUSTED_PROXIES");
    expect(log.lines.filter((each) => each.origin === origin)).toHaveLength(1);
  });
});

test.skipIf(!caddy)("behind Caddy the README's example serves requests and sockets", async () => {
  const example = block("caddy");
  const [port, admin] = [await freePort(), await freePort()];
  const site = example
    .replace("chat.example.com", `http://:${port}`)
    .replace("127.0.0.1:8000", new URL(world.url).host);
  const config = join(folder, "Caddyfile");
  await Bun.write(config, `{\n  admin 127.0.0.1:${admin}\n  auto_https off\n}\n${site}`);
  const child = Bun.spawn([caddy ?? "", "run", "--config", config, "--adapter", "caddyfile"], {
    env: { HOME: folder, PATH: process.env.PATH },
    stdio: ["ignore", "ignore", "ignore"],
  });
  children.push(child);
  await untilListening(port, child);
  // Caddy names the scheme that it was spoken to with, which is plain HTTP here.
  expect(await connect(port, world, `http://chat.example.com`)).toBe("open");
  expect(await connect(port, world, `http://127.0.0.1:${port}`)).toBe("open");
});
