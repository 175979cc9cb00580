// Downloads: who may, and how the answers protect the reader.
import { beforeAll, describe, expect, test } from "bun:test";
import type { Attachment } from "../../src/wire/attachments.ts";
import { useWorld, type Person } from "../world/world.ts";
import { download, send, uploaded } from "./files.ts";

let now = Date.now();
const world = useWorld({ now: () => new Date(now) });
const text = "0123456789".repeat(10);
let ann: Person;
let ben: Person;
let chatId: number;
let file: Attachment;
beforeAll(async () => {
  [ann, ben] = [await world.person("ann"), await world.person("ben")];
  chatId = (await ann.chat({ with: [ben] })).id;
  file = await sent(ann, text, "digits.txt");
});

async function sent(who: Person, body: Bun.BodyInit, name: string): Promise<Attachment> {
  const attachment = await uploaded(world, who, chatId, body, { name });
  const message = { content: "", attachment_ids: [attachment.id] };
  expect((await who.api("POST", `/api/chats/${chatId}/messages`, message)).status).toBe(200);
  return attachment;
}

async function ticketOf(who: Person, { id }: Attachment): Promise<string> {
  const path = `/api/chats/${chatId}/attachments/${id}/ticket`;
  return (await who.api("POST", path)).body.ticket;
}

const nobody = { token: "" };
const withTicket = (url: string, ticket: string) => fetch(`${world.url}${url}?ticket=${ticket}`);

describe("a range", () => {
  test.each([
    ["bytes=0-9", 206, "0123456789", "bytes 0-9/100"],
    ["bytes=90-", 206, "0123456789", "bytes 90-99/100"],
    ["bytes=-3", 206, "789", "bytes 97-99/100"],
    ["bytes=95-1000", 206, "56789", "bytes 95-99/100"],
    ["bytes=-1000", 206, text, "bytes 0-99/100"],
    ["bytes=100-", 416, "", "bytes */100"],
    ["bytes=-0", 416, "", "bytes */100"],
    ["bytes=99999999999999999999-", 416, "", "bytes */100"],
    ["bytes=95-99999999999999999999", 206, "56789", "bytes 95-99/100"],
    ["bytes=-99999999999999999999", 206, text, "bytes 0-99/100"],
    ["BYTES=0-0", 206, "0", "bytes 0-0/100"],
    ["bytes=0x1-2", 200, text, null],
    ["bytes=0-1,", 200, text, null],
    ["bytes=0-1,5-6", 200, text, null],
    ["bytes=9-1", 200, text, null],
    ["bytes=-", 200, text, null],
    ["lines=1-2", 200, text, null],
    ["bytes=a-b", 200, text, null],
  ])("%s is %d", async (range, status, expected, contentRange) => {
    const answer = await download(world, ben, file.url, { range });
    expect([answer.status, new TextDecoder().decode(answer.bytes)]).toEqual([status, expected]);
    expect(answer.headers.get("content-range")).toBe(contentRange);
    if (status < 300) expect(answer.headers.get("content-length")).toBe(String(expected.length));
  });

  test("of HEAD is not looked at", async () => {
    for (const range of ["bytes=0-9", "bytes=100-"]) {
      const { status, headers } = await send(world, ben, "HEAD", file.url, { headers: { range } });
      expect([status, headers.get("content-length")]).toEqual([200, "100"]);
      expect(headers.get("content-range")).toBeNull();
    }
  });

  test("of another version is answered with the whole file", async () => {
    const range = "bytes=0-4";
    const stale = await download(world, ben, file.url, { range, "if-range": '"other"' });
    expect([stale.status, stale.bytes.length]).toEqual([200, 100]);
    const fresh = await download(world, ben, file.url, { range, "if-range": `"${file.sha256}"` });
    expect([fresh.status, fresh.bytes.length]).toEqual([206, 5]);
  });
});

test("an unchanged file is answered with 304, and HEAD with the headers", async () => {
  const { headers } = await download(world, ben, file.url);
  const etag = headers.get("etag") ?? "";
  expect(headers.get("cache-control")).toBe("private, no-cache");
  for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    const answer = await download(world, ben, file.url, { "if-none-match": tags });
    expect([tags, answer.status, answer.bytes.length]).toEqual([tags, 304, 0]);
    expect(answer.headers.get("etag")).toBe(etag);
  }
  expect((await download(world, ben, file.url, { "if-none-match": '"x"' })).status).toBe(200);
  const head = await send(world, ben, "HEAD", file.url);
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "100"]);
});

test.each([
  ["SVG", "a.svg", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`],
  ["HTML", "a.html", "<!doctype html><script>alert(1)</script>"],
  ["XML", "a.xml", `<?xml version="1.0"?><a xmlns="http://www.w3.org/1999/xhtml"><script/></a>`],
  ["a script", "a.js", "alert(document.domain)"],
  ["a PDF", "a.pdf", "%PDF-1.7\n1 0 obj <</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>"],
  ["HTML that claims to be a picture", "a.png", "<script>alert(1)</script>"],
  ["text", "a.txt", "hello"],
])("%s is only ever downloaded", async (_, name, body) => {
  const attachment = await sent(ann, body, name);
  expect(attachment.kind).toBe("file");
  const { headers, bytes } = await download(world, ben, attachment.url);
  expect(new TextDecoder().decode(bytes)).toBe(body);
  expect(headers.get("content-disposition")).toStartWith("attachment;");
  expect(headers.get("content-type")).not.toMatch(/html|svg|javascript|^image/);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("content-security-policy")).toContain("sandbox");
  expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
});

describe("a ticket", () => {
  test("opens its file without a token, for five minutes", async () => {
    const ticket = await ticketOf(ben, file);
    const answer = await withTicket(file.url, ticket);
    expect([answer.status, await answer.text()]).toEqual([200, text]);
    expect(answer.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    now += 299_000;
    expect((await withTicket(file.url, ticket)).status).toBe(200);
    now += 2_000;
    expect((await withTicket(file.url, ticket)).status).toBe(401);
  });

  test("opens no other file, and none when it is changed", async () => {
    const other = await sent(ann, "other", "other.txt");
    const ticket = await ticketOf(ben, file);
    expect((await withTicket(other.url, ticket)).status).toBe(401);
    for (const bad of [`${ticket}x`, ticket.replace("~", ""), "x", "~", ticket.slice(3)]) {
      expect([bad, (await withTicket(file.url, bad)).status]).toEqual([bad, 401]);
    }
    expect((await withTicket(file.url, ben.token)).status).toBe(401);
    expect((await fetch(`${world.url}/api/auth/me?ticket=${ticket}`)).status).toBe(401);
    const asToken = { authorization: `Bearer ${ticket}` };
    expect((await fetch(world.url + file.url, { headers: asToken })).status).toBe(401);
  });

  test("ends with its person's session", async () => {
    const cat = await world.person("cat");
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: cat.username });
    const ticket = await ticketOf(cat, file);
    await world.sql`delete from sessions where id = ${cat.sessionId}`;
    now += 2_000;
    expect((await withTicket(file.url, ticket)).status).toBe(401);
  });

  test("ends at once for a person who has left, like every other way to the file", async () => {
    const dan = await world.person("dan");
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: dan.username });
    const ticket = await ticketOf(dan, file);
    const headers = { range: "bytes=0-1" };
    expect((await download(world, dan, file.url, headers)).status).toBe(206);
    expect((await withTicket(file.url, ticket)).status).toBe(200);
    await dan.api("POST", `/api/chats/${chatId}/leave`);
    expect((await withTicket(file.url, ticket)).status).toBe(404);
    const etag = { "if-none-match": `"${file.sha256}"` };
    for (const more of [{}, headers, etag]) {
      expect((await download(world, dan, file.url, more)).status).toBe(404);
    }
    expect((await download(world, nobody, file.url)).status).toBe(401);
    expect((await download(world, dan, `${file.url}/thumbnails/256`)).status).toBe(404);
  });
});

test("a file whose bytes are lost is not found", async () => {
  const lost = await sent(ann, "lost", "lost.txt");
  const [row] = await world.sql`
    select f.key from attachments a join stored_files f on f.id = a.file_id where a.id = ${lost.id}
  `;
  await world.ctx.files.remove(String(row?.key));
  expect((await download(world, ben, lost.url)).status).toBe(404);
});
