import { expect, test } from "bun:test";
import { createAttachments } from "gemini-coop/client/attachments";
import { createClient, memoryTokens } from "gemini-coop/client";
import { createPictures } from "gemini-coop/client/pictures";
import { makePng } from "../attachments/made-files.ts";
import { makeWav } from "../attachments/made-recordings.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld();

async function signedIn() {
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
  const options = { client, url: world.url, tokens };
  return { chatId, client, pictures: createPictures(options), files: createAttachments(options) };
}

const image = new Blob([new Uint8Array(makePng(40, 30))]);

test("pictures of a person and of a chat are set, read in both sizes, and removed", async () => {
  const { chatId, client, pictures } = await signedIn();
  const { avatar_url: avatar } = await pictures.setAvatar(image);
  const { picture_url: picture } = await pictures.setChatPicture(chatId, image);
  for (const [path, size] of [
    [avatar ?? "", 64],
    [picture ?? "", 256],
  ] as const) {
    const bytes = await (await pictures.load(path, size)).bytes();
    expect(await new Bun.Image(bytes).metadata()).toMatchObject({ width: size, height: size });
  }
  expect((await pictures.removeAvatar()).avatar_url).toBeNull();
  expect((await pictures.removeChatPicture(chatId)).picture_url).toBeNull();
  expect(pictures.load(avatar ?? "")).rejects.toMatchObject({ code: "not_found", status: 404 });
  const text = pictures.setAvatar(new Blob(["no picture"]));
  expect(text).rejects.toMatchObject({ code: "invalid", status: 422 });
  client.close();
});

test("a request without a valid token is tried again once the client has renewed it", async () => {
  const { client, pictures } = await signedIn();
  const { avatar_url: avatar } = await pictures.setAvatar(image);
  let stored = "expired";
  const renewed = createPictures({
    url: world.url,
    tokens: { load: () => ({ ...tokens, access_token: stored }) },
    client: {
      call: async <T>(...request: Parameters<typeof client.call>) => {
        stored = (await signedInToken()).access_token;
        return await client.call<T>(...request);
      },
    },
  });
  expect((await renewed.load(avatar ?? "", 64)).size).toBeGreaterThan(0);
  client.close();
});

const tokens = {
  token_type: "bearer" as const,
  expires_in: 1,
  refresh_token: "",
  expires_at_ms: 0,
};
const signedInToken = async () => ({ access_token: (await world.person("ben")).token });

test("a recording is uploaded as a voice message", async () => {
  const { chatId, client, files } = await signedIn();
  const recording = new Blob([makeWav({ seconds: 0.5 })]);
  const voice = await files.upload(chatId, recording, { name: "Voice.wav", kind: "voice" });
  expect(voice).toMatchObject({ kind: "voice", duration_ms: 500, waveform: expect.any(Array) });
  client.close();
});
