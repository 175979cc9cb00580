// A server in production behind a proxy with TLS: the program that the Dockerfile compiles.
import { afterAll, expect } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { Browser, outcomeOf } from "../world/browser.ts";
import { borrowDatabase, giveBackDatabase } from "../world/cluster.ts";
import { longTest } from "../world/long.ts";
import { openIdClient, startOpenIdProvider } from "../world/openid-provider.ts";
import { processes } from "../world/process.ts";
import { isCallback } from "./stage.ts";

const root = join(import.meta.dir, "../..");
const { folder, start, dataDir, end } = processes();
afterAll(end);

function compiled(): string {
  const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
  const [, flags = "", sources = ""] =
    /^RUN bun build (--compile .*?) \\\n *(src\/cli\.ts .*?) --outfile/m.exec(dockerfile) ?? [];
  const program = join(folder, "gemini-coop");
  // The image has the migrations beside the program.
  symlinkSync(join(root, "db"), join(folder, "db"));
  const built = Bun.spawnSync(
    [process.execPath, "build", ...`${flags} ${sources}`.split(" "), "--outfile", program],
    { cwd: root },
  );
  expect(built.stderr.toString()).not.toContain("error");
  return program;
}

longTest(
  "signs in with a cookie that no other host of the site can set, and returns to its page",
  async () => {
    const publicUrl = "https://chat.example.com";
    const provider = await startOpenIdProvider(`${publicUrl}/api/auth/oauth/oidc/callback`);
    const databaseUrl = await borrowDatabase();
    try {
      const env = {
        NODE_ENV: "production",
        DATABASE_URL: databaseUrl,
        DATA_DIR: dataDir(),
        SECRET_KEY: "kJ8vN2xQ7mR4tY6wZ1aB3cD5eF9gH0iLkJ8v",
        PUBLIC_URL: publicUrl,
        TRUSTED_PROXIES: "127.0.0.1",
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: openIdClient.id,
        OIDC_CLIENT_SECRET: openIdClient.secret,
      };
      const server = await start(env, [compiled()]);
      provider.accounts.set("ann", { email: "ann@example.com", email_verified: true });
      const browser = new Browser("ann", [provider.issuer]);
      const begun = await browser.fetch(`${server.url}/api/auth/oauth/oidc`);
      const [cookie = ""] = begun.headers.getSetCookie();
      expect(cookie).toMatch(
        /^__Host-provider-visit=[\w-]{43}; Max-Age=660; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      );
      const { url } = await browser.open(begun.headers.get("location") ?? "", isCallback);
      expect(url.origin).toBe(publicUrl);
      const back = await browser.fetch(`${server.url}${url.pathname}${url.search}`);
      const end = new URL(back.headers.get("location") ?? "");
      expect(end.href).toStartWith(`${publicUrl}/#code=`);
      const exchanged = await browser.fetch(`${server.url}/api/auth/oauth/token`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(outcomeOf(end)),
      });
      expect(exchanged.status).toBe(200);
      expect(await server.stop()).toBe(0);
      // Neither secrets nor codes are in the log.
      for (const secret of [
        outcomeOf(end).code ?? "",
        url.searchParams.get("code") ?? "",
        openIdClient.secret,
      ]) {
        expect(server.output).not.toContain(secret);
      }
    } finally {
      await provider.stop();
      await giveBackDatabase(databaseUrl);
    }
  },
);
