// Uploads as forms of browsers and of other clients.
import { describe, expect, test } from "bun:test";
import { expectProblem } from "../http/refusals.ts";
import { useWorld } from "../world/world.ts";
import { ask, send, uploadPath } from "./files.ts";

const world = useWorld();

const headers = { "content-type": "multipart/form-data; boundary=x" };
const part = (parameters: string, content: string) =>
  `--x\r\nContent-Disposition: form-data; ${parameters}\r\n\r\n${content}\r\n`;

async function uploadForm(parts: string[]) {
  const ann = await world.person("ann");
  const { id: chatId } = await ann.chat();
  const body = `${parts.join("")}--x--\r\n`;
  return await ask(world, ann, "POST", uploadPath(chatId), { body, headers });
}

describe("a form", () => {
  test.each([
    ["of a browser", 'name="f"; filename="Über.txt"', "Über.txt"],
    ["of .NET", `name=f; filename="=?utf-8?B?w7w=?="; filename*=utf-8''%C3%BC.txt`, "ü.txt"],
    [
      "with the name for all characters first",
      `filename*=UTF-8''%E2%82%AC.txt; filename=E`,
      "€.txt",
    ],
    ["with a language", `name="f"; filename*=utf-8'de'%C3%BC.txt`, "ü.txt"],
    ["with a folder in such a name", `name="f"; filename*=UTF-8''..%2F%00%2Fa%E2%80%AEb`, "ab"],
    ["with a name that is no UTF-8", `filename*=UTF-8''%FF; filename="a.txt"`, "a.txt"],
    ["with a name in another coding", `filename*=koi8-r''%C1; filename="a.txt"`, "a.txt"],
    ["whose field looks like a file", 'name="a; filename=b"; filename="c.txt"', "c.txt"],
  ])("%s has the name of its file", async (_, parameters, name) => {
    const { status, body } = await uploadForm([part(parameters, "hello")]);
    expect([status, body.name, body.size]).toEqual([200, name, 5]);
  });

  test("has the file of the first input in which one was chosen", async () => {
    const empty = part('name="first"; filename=""', "");
    const file = part('name="second"; filename="b.txt"', "hello");
    expect((await uploadForm([empty, file])).body).toMatchObject({ name: "b.txt", size: 5 });
    const unnamed = part('name="first"; filename=""', "content");
    expect((await uploadForm([unnamed, file])).body).toMatchObject({ name: "file", size: 7 });
    expectProblem(await uploadForm([empty, empty]), 422, "invalid");
    expectProblem(
      await uploadForm([part('name="a; filename=b"', "c")]),
      415,
      "unsupported_media_type",
    );
  });

  test("is refused for many fields and for long headers, although they are empty", async () => {
    const file = part('name="f"; filename="a.txt"', "hello");
    const fields = Array<string>(2_000).fill(part('name="a"', ""));
    expectProblem(await uploadForm([...fields, file]), 413, "too_large");
    expect((await uploadForm([...fields.slice(0, 500), file])).status).toBe(200);
    const long = part(`name="${"a".repeat(17_000)}"`, "");
    expectProblem(await uploadForm([long, file]), 413, "too_large");
  });
});

test("a body in a coding is refused: it is not the file", async () => {
  const ann = await world.person("ann");
  const { id: chatId } = await ann.chat();
  const body = Bun.gzipSync("hello");
  const coded = { body, headers: { "content-encoding": "gzip" } };
  const begun = await ann.api("POST", `/api/chats/${chatId}/attachments/uploads`, {
    name: "a",
    size: body.length,
  });
  const requests: [string, string][] = [
    ["POST", uploadPath(chatId)],
    ["PUT", `/api/chats/${chatId}/attachments/uploads/${begun.body.upload_id}?offset=0`],
    ["PUT", "/api/auth/me/avatar"],
    ["PUT", `/api/chats/${chatId}/picture`],
  ];
  for (const [method, path] of requests) {
    expectProblem(await ask(world, ann, method, path, coded), 415, "unsupported_media_type");
  }
  const plain = { body: "hello", headers: { "content-encoding": "identity" } };
  expect((await send(world, ann, "POST", uploadPath(chatId), plain)).status).toBe(200);
});
