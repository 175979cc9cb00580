import { beforeAll, describe, expect, test } from "bun:test";
import { startWorld, useWorld } from "../world/world.ts";

const world = useWorld();
let page: string;
beforeAll(async () => {
  page = (await world.call("GET", "/")).body;
});

const addressesIn = (html: string) =>
  [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, address = ""]) => address);

describe("the page at /", () => {
  test("is HTML with a policy that lets nothing run or load but this server's own files", async () => {
    const { status, headers } = await world.call("GET", "/");
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-cache");
    const policy = headers.get("content-security-policy")?.split("; ") ?? [];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    // Previews of pictures that are being sent, and of those that are being loaded: a picture runs nothing.
    expect(policy).toContain("img-src 'self' data: blob:");
    expect(policy.filter((each) => /data:|blob:/.test(each))).toHaveLength(1);
    expect(policy.join()).not.toMatch(/unsafe|\*|https?:/);
  });

  test("has no script and no style inside it, and names no other host", () => {
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|[a-z]+:\/\//i);
    for (const [, attributes, code] of page.matchAll(/<script([^>]*)>([^<]*)/g)) {
      expect(attributes).toContain("src=");
      expect(code).toBe("");
    }
  });

  test("loads files whose names change with what is in them, to be kept for ever", async () => {
    const addresses = addressesIn(page);
    expect(addresses.map((address) => address.replace(/-\w+\./, "-hash."))).toEqual([
      "/page/icon-hash.svg",
      "/page/page-hash.css",
      "/page/page-hash.js",
    ]);
    const types = ["image/svg+xml", "text/css;charset=utf-8", "text/javascript;charset=utf-8"];
    for (const [index, address] of addresses.entries()) {
      const { status, headers } = await world.call("GET", address);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe(types[index] ?? "");
      expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    }
  });

  test("sends them compressed to who can read that, and they are small", async () => {
    for (const address of addressesIn(page).filter((each) => /\.(js|css)$/.test(each))) {
      const response = await fetch(world.url + address, {
        decompress: false,
        headers: { "accept-encoding": "gzip" },
      });
      expect(response.headers.get("content-encoding")).toBe("gzip");
      expect((await response.arrayBuffer()).byteLength).toBeLessThan(80 * 1024);
    }
  });

  test("has what draws formulas, colours code and shows dialogs in files of their own, which are loaded later", async () => {
    const [script = ""] = addressesIn(page).filter((address) => address.endsWith(".js"));
    const { body } = await world.call("GET", script);
    const later = [...String(body).matchAll(/import\("([^"]+)"\)/g)].map(([, file = ""]) => file);
    const names = new Set(later.map((file) => file.replace(/-\w+\./, "-hash.")));
    expect([...names].toSorted()).toEqual([
      "/page/code-languages-hash.js",
      "/page/dialog-parts-hash.js",
      "/page/formulas-hash.js",
      "/page/mail-link-hash.js",
      "/page/provider-return-hash.js",
      "/page/settings-dialog-hash.js",
      "/page/sign-in-hash.js",
      "/page/voice-parts-hash.js",
    ]);
    for (const file of later) {
      const { status, headers } = await world.call("GET", file);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe("text/javascript;charset=utf-8");
      expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    }
  });

  test.each(["page.html", "constructor", "main.tsx", "..%2Fpage.html"])(
    "has no file %s",
    async (file) => {
      expect((await world.call("GET", `/page/${file}`)).status).toBe(404);
    },
  );
});

test("with WEB_PAGE=off there is no page, and / leads to /docs", async () => {
  const without = await startWorld({ env: { WEB_PAGE: "off" } });
  const response = await fetch(without.url, { redirect: "manual" });
  expect([response.status, response.headers.get("location")]).toEqual([302, "/docs"]);
  for (const address of addressesIn(page)) {
    expect((await without.call("GET", address)).status).toBe(404);
  }
  await without.stop();
});
