// The pictures of people and of chats: how they are made, who may see them, and when they go.
import { inflateSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "bun:test";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";
import { ask, download } from "./files.ts";
import { exifSegment, lyingPng, makeJpeg, makePng, secretPlace } from "./made-files.ts";

const world = useWorld({ durations: { peoplePollMs: 20, purgeMs: 20 } });
let ann: Person;
let ben: Person;
let stranger: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  stranger = await world.person("stranger");
});

const me = "/api/auth/me/avatar";
const put = (who: Pick<Person, "token">, path: string, body: Bun.BodyInit) =>
  ask(world, who, "PUT", path, {
    body,
    headers: body instanceof FormData ? {} : { "content-type": "image/png" },
  });
/** Three thirds from left to right, or from top to bottom: red, green, blue. */
const thirds = (width: number, height: number) =>
  makePng(width, height, {
    pixels: (x, y) => {
      const place = width > height ? Math.floor((3 * x) / width) : Math.floor((3 * y) / height);
      return [place === 0 ? 255 : 0, place === 1 ? 255 : 0, place === 2 ? 255 : 0];
    },
  });

const sizeOf = (webp: Uint8Array) => new Bun.Image(new Uint8Array(webp)).metadata();

async function keysOf(url: string): Promise<{ isStored: boolean }[]> {
  const id = url.split("/").at(-1);
  return await Promise.all(
    [64, 256].map(async (size) => ({
      isStored: (await world.ctx.files.read(`${id}-${size}`)) !== undefined,
    })),
  );
}

describe("a person's picture", () => {
  test.each([
    ["wide", 300, 100],
    ["tall", 100, 300],
    ["square", 40, 40],
    ["of one pixel", 1, 1],
    ["as long as may be", 16, 1],
  ])("that is %s becomes a square of 64 and one of 256 pixels", async (_, width, height) => {
    const { status, body } = await put(ann, me, makePng(width, height));
    expect(status).toBe(200);
    expect(body.avatar_url).toMatch(new RegExp(`^/api/users/${ann.id}/avatar/[0-9a-f-]{36}$`));
    for (const [query, side] of [
      ["?size=64", 64],
      ["?size=256", 256],
      ["", 256],
    ] as const) {
      const answer = await download(world, ben, body.avatar_url + query);
      expect(await sizeOf(answer.bytes)).toMatchObject({
        width: side,
        height: side,
        format: "webp",
      });
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "content-type": "image/webp",
        "cache-control": "private, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
        "content-security-policy": expect.stringContaining("sandbox"),
      });
    }
  });

  test("shows the middle of a wide and of a tall image, upright and without metadata", async () => {
    const wide = await makeJpeg(thirds(600, 200));
    const tall = await makeJpeg(thirds(200, 600));
    // Orientation 6 shows a picture that is stored wide as a tall one: its middle third stays.
    const turned = await makeJpeg(thirds(600, 200), { segments: [exifSegment(6)] });
    for (const image of [wide, tall, turned]) {
      const { body } = await put(ann, me, new Uint8Array(image));
      const { bytes } = await download(world, ann, body.avatar_url);
      expect(Buffer.from(bytes).includes(secretPlace)).toBe(false);
      // In one pixel, the mean of all.
      const png = await new Bun.Image(new Uint8Array(bytes)).resize(1, 1).png().bytes();
      const [red = 0, green = 0, blue = 0] = colourOf(png);
      expect(green).toBeGreaterThan(200);
      expect(red + blue).toBeLessThan(60);
    }
  });

  test("is told to those who share a chat, and has another address each time", async () => {
    await ann.chat({ with: [ben] });
    const socket = await ben.socket();
    const { body: first } = await put(ann, me, makePng(20, 20));
    expect((await socket.next("user_updated")).user).toMatchObject({
      id: ann.id,
      avatar_url: first.avatar_url,
    });
    const { body: second } = await put(ann, me, makePng(20, 20));
    expect(second.avatar_url).not.toBe(first.avatar_url);
    expect((await socket.next("user_updated")).user).toMatchObject({
      avatar_url: second.avatar_url,
    });
    expectProblem(await ask(world, ben, "GET", first.avatar_url), 404, "not_found");
    const removed = await ask(world, ann, "DELETE", me);
    expect(removed.body.avatar_url).toBeNull();
    expect((await socket.next("user_updated")).user).toMatchObject({ avatar_url: null });
    expectProblem(await ask(world, ben, "GET", second.avatar_url), 404, "not_found");
    expect((await ask(world, ann, "DELETE", me)).status).toBe(200);
    await gone(first.avatar_url, second.avatar_url);
  });

  test("is among the participants, in searches, in exports, and in invitations", async () => {
    const { body } = await put(ann, me, makePng(20, 20));
    const url = body.avatar_url;
    const chat = await ben.chat();
    const { body: invited } = await ben.api("POST", `/api/chats/${chat.id}/invite`, {
      username: ann.username,
    });
    expect(invited.participant.avatar_url).toBe(url);
    const people = await ben.api("GET", `/api/chats/${chat.id}/participants`);
    expect(people.body).toContainEqual(expect.objectContaining({ avatar_url: url }));
    const found = await ben.api("GET", `/api/users/search?query=${ann.username}`);
    expect(found.body[0].avatar_url).toBe(url);
    const exported = await ann.api("GET", "/api/auth/me/export");
    expect(exported.body).toContain(url.split("/").at(-1));
  });

  test("is seen by whoever may see the profile, and by nobody else", async () => {
    const { body } = await put(ann, me, makePng(20, 20));
    const url = body.avatar_url;
    expect((await download(world, stranger, url)).status).toBe(200);
    expectProblem(await ask(world, { token: "" }, "GET", url), 401, "invalid_token");
    const other = url.replace(`/users/${ann.id}/`, `/users/${ben.id}/`);
    expectProblem(await ask(world, stranger, "GET", other), 404, "not_found");
    await ann.api("PUT", `/api/users/${stranger.id}/block`);
    expectProblem(await ask(world, stranger, "GET", url), 404, "not_found");
    expect((await download(world, ben, url)).status).toBe(200);
    expectInvalid(await ask(world, ben, "GET", `${url}?size=65`), "/size");
    expectInvalid(await ask(world, ben, "GET", `/api/users/${ann.id}/avatar/x`), "/picture_id");
  });

  test("goes with the account, and its files from the store", async () => {
    const credentials = { username: "leaving", password: "correct horse battery" };
    const registration = { ...credentials, email: "leaving@example.com" };
    await world.call("POST", "/api/auth/register", registration);
    const login = await world.call("POST", "/api/auth/login", credentials);
    const dan = { token: login.body.access_token };
    await ben.api("POST", "/api/chats", { participant_usernames: ["leaving"] });
    const { body } = await put(dan, me, makePng(20, 20));
    expect(await keysOf(body.avatar_url)).toEqual([{ isStored: true }, { isStored: true }]);
    const headers = { "content-type": "application/json" };
    const deletion = JSON.stringify({ password: credentials.password, messages: "keep" });
    const deleted = await ask(world, dan, "DELETE", "/api/auth/me", { body: deletion, headers });
    expect(deleted.status).toBe(200);
    expectProblem(await ask(world, ben, "GET", body.avatar_url), 404, "not_found");
    await gone(body.avatar_url);
  });
});

/** The colour of a PNG of one pixel, whose row begins with its filter. */
function colourOf(png: Uint8Array): number[] {
  const bytes = Buffer.from(png);
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    if (bytes.toString("latin1", at + 4, at + 8) !== "IDAT") continue;
    return [...inflateSync(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at))).subarray(1, 4)];
  }
  return [];
}

/** Settles when the files of pictures are removed from the store. */
async function gone(...urls: string[]): Promise<void> {
  for (const url of urls) {
    while ((await keysOf(url)).some(({ isStored }) => isStored)) await Bun.sleep(10);
  }
}

describe("what is no picture", () => {
  test.each([
    ["a text", "hello"],
    ["an SVG", "<svg xmlns='http://www.w3.org/2000/svg'/>"],
    ["nothing", ""],
    ["half a PNG", new Uint8Array(makePng(400, 400).subarray(0, 200))],
    ["a PNG of a size that it does not have", new Uint8Array(lyingPng(60_000, 60_000))],
    ["a PNG that is very long", new Uint8Array(makePng(1_700, 100))],
    ["a PDF", "%PDF-1.7\n"],
  ])("%s is refused, and leaves nothing behind", async (_, body) => {
    const before = await ann.api("GET", "/api/auth/me");
    expectInvalid(await put(ann, me, body), "");
    expect((await ann.api("GET", "/api/auth/me")).body).toEqual(before.body);
    const pending = await world.sql`select 1 from file_removals where is_pending`;
    expect(pending).toBeEmpty();
  });

  test("above 16 MB is refused with the limit, with and without a length", async () => {
    const large = new Uint8Array(16 * 1024 * 1024 + 1);
    const stream = new Response(large).body;
    for (const body of [large, stream!]) {
      const refused = await put(ann, me, body);
      expectProblem(refused, 413, "too_large");
      expect(refused.body.detail).toContain("16 MB");
    }
  });

  test("a form's first file is taken, and a form without one is refused", async () => {
    const form = new FormData();
    form.set("file", new Blob([new Uint8Array(makePng(30, 30))]), "me.png");
    expect((await put(ann, me, form)).status).toBe(200);
    const empty = new FormData();
    empty.set("text", "hello");
    expectProblem(await put(ann, me, empty), 415, "unsupported_media_type");
  });
});

describe("a chat's picture", () => {
  test("is set and removed by the owner, is told with a number, and is in the list", async () => {
    const chat = await ann.chat({ with: [ben] });
    const path = `/api/chats/${chat.id}/picture`;
    const socket = await ben.joined(chat.id);
    const { body } = await put(ann, path, makePng(50, 40));
    expect(body.picture_url).toMatch(new RegExp(`^${path}/[0-9a-f-]{36}$`));
    const frame = await socket.next("chat_updated");
    expect(frame.chat).toMatchObject({ picture_url: body.picture_url });
    expect(frame.updated_seq).toBe(body.last_seq);
    const { body: list } = await ben.api("GET", "/api/chats");
    expect(list.find(({ id }: { id: number }) => id === chat.id).picture_url).toBe(
      body.picture_url,
    );
    const picture = await download(world, ben, body.picture_url);
    expect(await sizeOf(picture.bytes)).toMatchObject({ width: 256, height: 256 });
    const removed = await ask(world, ann, "DELETE", path);
    expect(removed.body).toMatchObject({ picture_url: null, last_seq: body.last_seq + 1 });
    // Without a picture there is nothing to tell.
    expect((await ask(world, ann, "DELETE", path)).body.last_seq).toBe(body.last_seq + 1);
    await gone(body.picture_url);
  });

  test("is neither set nor removed by others, and strangers and those who have left see nothing", async () => {
    const chat = await ann.chat({ with: [ben] });
    const path = `/api/chats/${chat.id}/picture`;
    const { body } = await put(ann, path, makePng(50, 40));
    const url = body.picture_url;
    expectProblem(await put(ben, path, makePng(5, 5)), 403, "forbidden");
    expectProblem(await ask(world, ben, "DELETE", path), 403, "forbidden");
    expectProblem(await put(stranger, path, makePng(5, 5)), 404, "not_found");
    expectProblem(await ask(world, stranger, "DELETE", path), 404, "not_found");
    expectProblem(await ask(world, stranger, "GET", url), 404, "not_found");
    expect((await download(world, ben, url)).status).toBe(200);
    await ben.api("POST", `/api/chats/${chat.id}/leave`);
    expectProblem(await ask(world, ben, "GET", url), 404, "not_found");
    expectProblem(await ask(world, { token: "" }, "GET", url), 401, "invalid_token");
    expect((await download(world, ann, url)).status).toBe(200);
  });

  test("goes with the chat", async () => {
    const chat = await ann.chat();
    const { body } = await put(ann, `/api/chats/${chat.id}/picture`, makePng(50, 40));
    await ann.api("DELETE", `/api/chats/${chat.id}`);
    expectProblem(await ask(world, ann, "GET", body.picture_url), 404, "not_found");
    await gone(body.picture_url);
  });

  test("of two that are set at once, one stays, and the files of the other go", async () => {
    const chat = await ann.chat();
    const path = `/api/chats/${chat.id}/picture`;
    const answers = await Promise.all([1, 2, 3].map((side) => put(ann, path, makePng(side, side))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { body } = await ann.api("GET", `/api/chats/${chat.id}`);
    const urls = answers.map((answer) => answer.body.picture_url);
    expect(urls).toContain(body.picture_url);
    await gone(...urls.filter((url) => url !== body.picture_url));
    expect(await keysOf(body.picture_url)).toEqual([{ isStored: true }, { isStored: true }]);
  });
});
