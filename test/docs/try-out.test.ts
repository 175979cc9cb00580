import { expect, test } from "bun:test";
import { z } from "zod";
import { useWorld } from "../world/world.ts";

const world = useWorld();

test("a browser that opens the docs finds the icon that it asks for", async () => {
  const { status, headers } = await world.call("GET", "/favicon.ico");
  expect([status, headers.get("content-type")]).toEqual([200, "image/png"]);
});

test.each(["constructor", "__proto__", "index.html"])("%s is no file of the docs", async (file) => {
  const { status } = await world.call("GET", `/docs/assets/${file}`);
  expect(status).toBe(404);
});

const Schema = z.looseObject({
  example: z.unknown().optional(),
  $ref: z.string().optional(),
  get properties() {
    return z.record(z.string(), Schema).optional();
  },
});
type Schema = z.infer<typeof Schema>;

test("what Try it out proposes works, in the order of the page: register, login, create a chat, send", async () => {
  const { body: document } = await world.call("GET", "/openapi.json");
  const resolve = (schema: Schema): Schema => {
    const name = schema.$ref?.split("/").at(-1);
    return name ? Schema.parse(document.components.schemas[name]) : schema;
  };
  /** The example of a body as Swagger UI makes it. */
  const exampleOf = (given: Schema): unknown => {
    const schema = resolve(given);
    if (schema.example !== undefined || !schema.properties) return schema.example;
    const members = Object.entries(schema.properties);
    return Object.fromEntries(members.map(([name, member]) => [name, exampleOf(member)]));
  };
  const tryOut = (path: string, headers: Record<string, string> = {}) => {
    const { schema } = document.paths[path].post.requestBody.content["application/json"];
    const place = path.replace("{chat_id}", "1");
    return world.call("POST", place, exampleOf(Schema.parse(schema)), headers);
  };

  expect(await tryOut("/api/auth/register")).toMatchObject({ status: 200 });
  const login = await tryOut("/api/auth/login");
  expect(login).toMatchObject({ status: 200, body: { token_type: "bearer" } });
  const authorized = { authorization: `Bearer ${login.body.access_token}` };
  expect(await tryOut("/api/chats", authorized)).toMatchObject({ status: 200, body: { id: 1 } });
  expect(await tryOut("/api/chats/{chat_id}/messages", authorized)).toMatchObject({ status: 200 });
});
