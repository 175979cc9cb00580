import { beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { startWorld, useWorld } from "../world/world.ts";

const world = useWorld();
let page: string;
beforeAll(async () => {
  page = (await world.call("GET", "/")).body;
});

const Manifest = z.looseObject({
  icons: z.array(z.object({ src: z.string(), sizes: z.string() })),
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
    const addresses = addressesIn(page).filter((address) => address.startsWith("/page/"));
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
      "/page/attachments-hash.js",
      "/page/code-languages-hash.js",
      "/page/dialog-parts-hash.js",
      "/page/formulas-hash.js",
      "/page/mail-link-hash.js",
      "/page/provider-return-hash.js",
      "/page/push-device-hash.js",
      "/page/settings-dialog-hash.js",
      "/page/sign-in-hash.js",
      "/page/stored-uploads-hash.js",
      "/page/upload-list-hash.js",
      "/page/voice-parts-hash.js",
    ]);
    for (const file of later) {
      const { status, headers } = await world.call("GET", file);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe("text/javascript;charset=utf-8");
      expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    }
  });

  test("is an app that can be installed, with a manifest and icons of the sizes that it names", async () => {
    const others = addressesIn(page).filter((address) => !address.startsWith("/page/"));
    expect(others.toSorted()).toEqual(["/icons/apple-180.png", "/manifest.webmanifest"]);
    const { headers } = await world.call("GET", "/manifest.webmanifest");
    expect(headers.get("content-type")).toBe("application/manifest+json; charset=utf-8");
    const manifest = Manifest.parse(
      await (await fetch(`${world.url}/manifest.webmanifest`)).json(),
    );
    expect(manifest).toMatchObject({ start_url: "/", scope: "/", display: "standalone" });
    const { icons } = manifest;
    expect(icons.map(({ sizes }) => sizes)).toEqual(["192x192", "512x512", "512x512"]);
    for (const { src, sizes } of [...icons, { src: "/icons/apple-180.png", sizes: "180x180" }]) {
      const icon = await fetch(world.url + src);
      expect(icon.headers.get("content-type")).toBe("image/png");
      const bytes = await icon.bytes();
      const { width, height, format } = await new Bun.Image(bytes).metadata();
      expect([src, `${width}x${height}`, format]).toEqual([src, sizes, "png"]);
      expect(await (await fetch(world.url + src)).bytes()).toEqual(bytes);
    }
    for (const file of ["icon-193.png", "constructor", "..%2Fpage.html"]) {
      expect((await world.call("GET", `/icons/${file}`)).status).toBe(404);
    }
  });

  test("has a service worker for all of it that loads nothing but icons, and is looked for anew", async () => {
    const response = await fetch(`${world.url}/service-worker.js`);
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(response.headers.get("content-security-policy")).toBe(
      "default-src 'none'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(new Bun.Transpiler({ loader: "js" }).scan(await response.text()).imports).toEqual([]);
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
