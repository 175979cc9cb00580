import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startWorld, type World } from "../world/world.ts";

let world: World;
let page: string;
beforeAll(async () => {
  world = await startWorld();
  page = (await world.call("GET", "/docs")).body;
});
afterAll(() => world.stop());

const addressesIn = (html: string) =>
  [...html.matchAll(/(?:href|src|url)\s*[=:]\s*["']([^"']*)["']/g)].map(
    ([, address = ""]) => address,
  );

describe("/docs", () => {
  test("is a page of HTML that shows the OpenAPI document", async () => {
    const { status, headers } = await world.call("GET", "/docs");
    expect(status).toBe(200);
    expect(headers.get("content-type")?.toLowerCase()).toBe("text/html; charset=utf-8");
    expect(page).toContain("SwaggerUIBundle(");
    expect(addressesIn(page)).toContain("/openapi.json");
  });

  test("names no other host", () => {
    expect(page).not.toMatch(/[a-z]+:\/\//i);
    const addresses = addressesIn(page);
    expect(addresses.length).toBeGreaterThanOrEqual(3);
    for (const address of addresses) expect(address).toMatch(/^\/[^/]/);
    // Without this, Swagger UI sends the document's address to its maker's validator.
    expect(page).toContain("validatorUrl: 'none'");
  });

  test("has everything that it loads from this server, and may keep it", async () => {
    for (const address of addressesIn(page)) {
      const { status, headers, body } = await world.call("GET", address);
      expect(status).toBe(200);
      const type = headers.get("content-type");
      if (address.endsWith(".js")) {
        expect(type).toBe("text/javascript; charset=utf-8");
        expect(body).toContain("SwaggerUIBundle");
      } else if (address.endsWith(".css")) {
        expect(type).toBe("text/css; charset=utf-8");
        expect(body).not.toMatch(/@import|url\(["']?(https?:)?\/\//);
      } else {
        expect(type).toStartWith("application/json");
      }
      if (address.includes("/assets/")) {
        expect(headers.get("cache-control")).toMatch(/^public, max-age=\d+$/);
      }
    }
  });
});
