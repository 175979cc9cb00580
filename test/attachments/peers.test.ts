// Faults that people have reported against the uploads of other chat programs and their like, tried here.
import { beforeAll, expect, test } from "bun:test";
import type { Attachment } from "../../src/wire/attachments.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";
import { ask, download, uploaded } from "./files.ts";
import { exifSegment, makeJpeg, makePng, secretPlace } from "./made-files.ts";
import { recordingOf } from "./made-recordings.ts";

const world = useWorld();
const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(document.domain)"/>`;
let ann: Person;
let ben: Person;
let chatId: number;
beforeAll(async () => {
  [ann, ben] = [await world.person("ann"), await world.person("ben")];
  chatId = (await ann.chat({ with: [ben] })).id;
});

async function sent(body: Bun.BodyInit, name: string): Promise<Attachment & { messageId: number }> {
  const attachment = await uploaded(world, ann, chatId, body, { name });
  const message = { content: "", attachment_ids: [attachment.id] };
  const answer = await ann.api("POST", `/api/chats/${chatId}/messages`, message);
  expect(answer.status).toBe(200);
  return { ...attachment, messageId: answer.body.id };
}

test("an SVG runs in nobody's browser (multica-ai/multica #3022, makeplane/plane #2004)", async () => {
  const { kind, url } = await sent(svg, "pwn.svg");
  const { headers } = await download(world, ben, url);
  expect([kind, headers.get("content-disposition")]).toEqual([
    "file",
    'attachment; filename="pwn.svg"',
  ]);
  expect(headers.get("content-security-policy")).toContain("sandbox");
});

test("an SVG is no profile picture (Sharkord/sharkord #175)", async () => {
  expectInvalid(await ask(world, ann, "PUT", "/api/auth/me/avatar", { body: svg }), "");
});

test("an SVG that hangs a renderer is not rendered (mattermost/mattermost #11824)", async () => {
  const bomb = `<svg xmlns="http://www.w3.org/2000/svg">${"<g>".repeat(20_000)}`;
  const { kind, thumbnails, blur } = await sent(bomb, "bomb.svg");
  expect([kind, thumbnails, blur]).toEqual(["file", undefined, undefined]);
});

test("a name does not break out of a style or a header (RocketChat/Rocket.Chat #10604)", async () => {
  const given = `cat.png');position:absolute;left:-75px"\r\nSet-Cookie: a=b;.png`;
  const { name, url, blur } = await sent(makePng(3, 3), given);
  expect(name).not.toMatch(/[\r\n"]/);
  const { headers } = await download(world, ben, url);
  expect(headers.get("set-cookie")).toBeNull();
  // The values that the page puts into a style are made by the server.
  expect(blur).toMatch(/^data:image\/png;base64,[\w+/=]+$/);
});

test("names in any script are downloaded as they are (getpaseo/paseo #4021, maathimself/mailflow #367)", async () => {
  for (const name of ["要求.txt", "한글.pdf", "نص.txt", "😀.bin", "naïve—file.txt"]) {
    const { headers } = await download(world, ben, (await sent(name, name)).url);
    const [, encoded = ""] =
      /filename\*=UTF-8''(\S+)/.exec(headers.get("content-disposition") ?? "") ?? [];
    expect(decodeURIComponent(encoded)).toBe(name);
  }
});

test("links end with the message (mattermost/mattermost #9404, matrix-org/synapse #8638)", async () => {
  const file = await sent("a secret", "secret.txt");
  const { ticket } = (await ben.api("POST", `${file.url}/ticket`)).body;
  const link = `${world.url}${file.url}?ticket=${ticket}`;
  expect((await fetch(link)).status).toBe(200);
  await ann.api("DELETE", `/api/chats/${chatId}/messages/${file.messageId}`);
  expect((await fetch(link)).status).toBe(404);
  expectProblem(await ask(world, ben, "GET", file.url), 404, "not_found");
});

test("links end for those who are removed, thumbnails and ranges, too (block/buzz #7565)", async () => {
  const group = await ann.chat({ with: [ben] });
  const file = await uploaded(world, ann, group.id, makePng(9, 9));
  const message = { content: "", attachment_ids: [file.id] };
  await ann.api("POST", `/api/chats/${group.id}/messages`, message);
  const { ticket } = (await ben.api("POST", `${file.url}/ticket`)).body;
  const [thumbnail] = file.thumbnails ?? [];
  const links = [file.url, thumbnail?.url].map((url) => `${world.url}${url}?ticket=${ticket}`);
  for (const link of links) expect((await fetch(link)).status).toBe(200);
  await ann.api("DELETE", `/api/chats/${group.id}/participants/${ben.id}`);
  for (const link of links) {
    expect((await fetch(link, { headers: { range: "bytes=0-1" } })).status).toBe(404);
  }
});

test("nobody reads a file without signing in (stoatchat/stoatchat #728)", async () => {
  const { url } = await sent("members only", "a.txt");
  for (const path of [url, `${url}?ticket=`, `${url}?ticket=x~y`]) {
    expect([401, 422]).toContain((await fetch(world.url + path)).status);
  }
});

test("a profile picture does not tell where it was taken (helpyio/helpy #1697, mozilla/community-portal #749)", async () => {
  const photo = await makeJpeg(makePng(30, 20), { segments: [exifSegment(1)] });
  expect(photo.includes(secretPlace)).toBe(true);
  const { body } = await ask(world, ann, "PUT", "/api/auth/me/avatar", { body: photo });
  const { bytes } = await download(world, ben, body.avatar_url);
  expect(Buffer.from(bytes).includes(secretPlace)).toBe(false);
  expect(Buffer.from(bytes).includes("Exif")).toBe(false);
});

test("a recording of a browser has a duration (muaz-khan/RecordRTC #274, llfbandit/record #34)", async () => {
  // Without the element that has the duration, as browsers record.
  const bytes = Buffer.from(await recordingOf("opus.webm"));
  const at = bytes.indexOf(Buffer.from([0x44, 0x89, 0x88]));
  expect(at).toBeGreaterThan(0);
  // An element that stands for nothing takes its place: its 8 bytes, and the 3 before them.
  bytes.set([0xec, 0x89], at);
  const voice = await uploaded(world, ann, chatId, new Uint8Array(bytes), { kind: "voice" });
  expect(voice.duration_ms).toBeWithin(2_950, 3_050);
});
