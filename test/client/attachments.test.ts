import { expect } from "bun:test";
import { createAttachments } from "gemini-coop/client/attachments";
import { createClient, memoryTokens } from "gemini-coop/client";
import { sha256 } from "../attachments/files.ts";
import { useWorld } from "../world/world.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld();
const pausesMs = [1];

/** A client that is signed in, and whose uploads go through `fetch`. */
async function signedIn(fetch?: typeof globalThis.fetch) {
  const person = await world.person("ann");
  const { id: chatId } = await person.chat();
  const tokens = memoryTokens();
  const client = createClient({ url: world.url, tokens });
  await client.session.use({
    access_token: person.token,
    token_type: "bearer",
    expires_in: 3_600,
    refresh_token: "none",
  });
  const attachments = createAttachments({
    client,
    url: world.url,
    tokens,
    pausesMs,
    ...(fetch && { fetch: (url, init) => fetch(url, init) }),
  });
  return { person, chatId, client, attachments };
}

const bytes = Buffer.concat(
  Array.from({ length: 10 }, () => crypto.getRandomValues(new Uint8Array(65_536))),
);
const large = new Blob(Array.from({ length: 30 }, () => bytes));

longTest("an upload tells its progress, and its file is sent and read", async () => {
  const { client, chatId, attachments } = await signedIn();
  const shares: number[] = [];
  const file = await attachments.upload(chatId, large, {
    name: "large.bin",
    onProgress: (share) => shares.push(share),
  });
  expect(shares.length).toBeGreaterThan(2);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
  const sent = { content: "look", clientId: "one" };
  const message = await attachments.send(chatId, [file.id], sent);
  expect(await attachments.send(chatId, [file.id], sent)).toEqual(message);
  expect(message.attachments).toEqual([file]);
  const got = await fetch(await attachments.addressOf(file));
  expect(sha256(await got.bytes())).toBe(file.sha256);
  const { items } = await attachments.list(chatId, { kind: "file" });
  expect(items.map(({ attachment }) => attachment)).toEqual([file]);
  client.close();
});

test("an upload goes on after parts, and answers to them, were lost", async () => {
  let requests = 0;
  const { client, chatId, attachments } = await signedIn(
    Object.assign(
      async (url: string | URL | Request, init?: RequestInit) => {
        requests += 1;
        if (requests % 3 === 1) throw new TypeError("lost before it was sent");
        const answer = await fetch(url, init);
        if (requests % 3 === 2) throw new TypeError("lost afterwards");
        return answer;
      },
      { preconnect: fetch.preconnect },
    ),
  );
  const file = await attachments.upload(chatId, large, { name: "large.bin" });
  expect(file).toMatchObject({ size: large.size, sha256: sha256(await large.bytes()) });
  expect(requests).toBeGreaterThan(3);
  client.close();
});

test("an upload goes on in another client, is refused without tries, is ended by its signal, and is cancelled", async () => {
  const { client, chatId, attachments } = await signedIn();
  const ended = new AbortController();
  let uploadId = "";
  const first = attachments.upload(chatId, large, {
    name: "large.bin",
    signal: ended.signal,
    onBegin: (id) => (uploadId = id),
    onProgress: (share) => share > 0.3 && ended.abort(),
  });
  expect(await first.catch((error: Error) => error.name)).toBe("AbortError");
  const shares: number[] = [];
  const file = await attachments.upload(chatId, large, {
    name: "large.bin",
    uploadId,
    onProgress: (share) => shares.push(share),
  });
  expect(shares[0]).toBeGreaterThan(0.3);
  expect(file.size).toBe(large.size);
  await attachments.cancel(chatId, uploadId);
  expect(attachments.cancel(chatId, uploadId)).rejects.toMatchObject({ code: "not_found" });
  const again = await attachments.upload(chatId, large, { name: "large.bin" });
  expect(again.id).not.toBe(file.id);
  const elsewhere = attachments.upload(chatId + 1_000, large, { name: "a" });
  expect(elsewhere).rejects.toMatchObject({ code: "not_found" });
  await attachments.remove(chatId, again.id);
  expect(attachments.addressOf(again)).rejects.toMatchObject({ code: "not_found" });
  client.close();
});
