// The pictures of people and of chats: the middle of an image, in two sizes.
import type { Caller } from "../../accounts/access-tokens.ts";
import { getProfile } from "../../accounts/profiles.ts";
import { chatNotFound, getChat, ownerOnly } from "../../chats/actions.ts";
import type { Ctx } from "../../context.ts";
import { readWhole } from "../../file-store/file-store.ts";
import type { Chat } from "../../wire/chats.ts";
import { pictureBytesMax, pictureSizes, type PictureSize } from "../../wire/pictures.ts";
import { Problem } from "../../wire/problems.ts";
import type { User } from "../../wire/users.ts";
import type { Body } from "../../http/file-body.ts";
import { findType } from "../media-types.ts";
import { imageSource } from "../prepare.ts";
import { discard, type Received } from "../receive.ts";
import { scan } from "../scan/scan.ts";
import { notePending } from "../removal-queries.ts";
import { receiveBody } from "../upload.ts";
import { pendingSeconds } from "../upload-limits.ts";
import type { Uploads } from "../uploads.ts";
import { hasChatPicture, updateAvatar, updateChatPicture, type NewPicture } from "./queries.ts";

const keyOf = (pictureId: string, size: PictureSize) => `${pictureId}-${size}`;

/**
 * Makes the caller's picture of an image. The people in their chats are told by PeopleChanges.
 * @throws Problem `invalid` for what is no image, `too_large`, `unsupported_media_type`, `store_full`, `unavailable`, `bad_request`, and
 * `invalid_token` when the account is gone
 */
export async function putAvatar(
  ctx: Ctx,
  uploads: Uploads,
  caller: Caller,
  body: Body,
): Promise<User> {
  const request = { caller, body, target: `user:${caller.id}` as const };
  return await withPicture(ctx, uploads, request, async (picture) =>
    existing(await updateAvatar(ctx.sql, caller, picture)),
  );
}

/** @throws Problem `invalid_token` when the account is gone */
export async function deleteAvatar(ctx: Ctx, caller: Caller): Promise<User> {
  return existing(await updateAvatar(ctx.sql, caller, undefined));
}

function existing(user: User | undefined): User {
  if (!user) throw new Problem("invalid_token", "This account does not exist any more.");
  return user;
}

/** @throws Problem as {@link putAvatar}, `not_found`, `forbidden` */
export async function putChatPicture(
  ctx: Ctx,
  uploads: Uploads,
  caller: Caller,
  { chatId, body }: { chatId: number; body: Body },
): Promise<Chat> {
  const chat = await getChat(ctx, caller, chatId);
  if (chat.owner_id !== caller.id) throw await ownerOnly(ctx, caller, chatId, "change_chat");
  const request = { caller, body, target: `chat:${chatId}` as const };
  return await withPicture(ctx, uploads, request, (picture) =>
    setChatPicture(ctx, caller, chatId, picture),
  );
}

/** @throws Problem `not_found`, `forbidden` */
export async function deleteChatPicture(ctx: Ctx, caller: Caller, chatId: number): Promise<Chat> {
  return await setChatPicture(ctx, caller, chatId, undefined);
}

async function setChatPicture(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  picture: NewPicture,
): Promise<Chat> {
  const changed = await updateChatPicture(ctx.sql, caller, chatId, picture);
  if (!changed) throw chatNotFound();
  const { chat, shown_name: name, outcome } = changed;
  if (outcome === "not_owner") throw await ownerOnly(ctx, caller, chatId, "change_chat");
  if (outcome === "late") {
    throw new Problem("unavailable", "The upload took too long. Upload the picture again.", {
      retryAfterSeconds: 1,
    });
  }
  if (outcome === "updated") {
    const { updated_seq } = chat;
    ctx.realtime.toRoom({ type: "chat_updated", chat_id: chatId, chat, updated_seq });
    ctx.realtime.toList({ type: "chat_changed", chat_id: chatId, chat }, { seq: updated_seq });
  }
  return { ...chat, name };
}

/** Receives an image, writes its two squares, and removes what `store` has not stored. */
async function withPicture<T>(
  ctx: Ctx,
  uploads: Uploads,
  {
    caller,
    body,
    target,
  }: { caller: Caller; body: Body; target: `chat:${number}` | `user:${number}` },
  store: (picture: NewPicture) => Promise<T>,
): Promise<T> {
  const refusal = () =>
    new Problem("too_large", `A picture may have at most ${pictureBytesMax / 1024 ** 2} MB.`);
  if ((body.length ?? 0) > pictureBytesMax) throw refusal();
  const { received } = await receiveBody(ctx, uploads, body, {
    bytesMax: pictureBytesMax,
    refusal,
  });
  const written = [received.key];
  try {
    await scan(ctx, uploads, caller, received, target);
    const picture = await writeSquares(ctx, uploads, received, written);
    const stored = await store(picture);
    written.splice(1);
    return stored;
  } finally {
    await discard(ctx, written);
  }
}

async function writeSquares(
  ctx: Ctx,
  { images }: Uploads,
  received: Received,
  written: string[],
): Promise<{ id: string; keys: string[] }> {
  const { mediaType } = await findType(received.head);
  const squares = await images.squares(mediaType, imageSource(ctx, received));
  if (!squares) throw noPicture();
  const id = crypto.randomUUID();
  const files = squares.map((bytes, n) => ({ key: keyOf(id, pictureSizes[n] ?? 64), bytes }));
  const keys = files.map(({ key }) => key);
  await notePending(ctx.sql, keys, pendingSeconds);
  written.push(...keys);
  await Promise.all(
    files.map(async ({ key, bytes }) => {
      await ctx.files.write(key, one(bytes));
    }),
  );
  return { id, keys };
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

function noPicture(): Problem {
  const detail =
    "The picture cannot be read. Send a JPEG, PNG, WebP or GIF image that is not damaged, not too large, and not very long and thin.";
  return new Problem("invalid", detail, { errors: [{ pointer: "", detail }] });
}

/**
 * A person's picture as a WebP, for everybody who may see the person's profile.
 * @throws Problem `not_found`
 */
export async function readAvatar(
  ctx: Ctx,
  caller: Caller,
  { userId, pictureId, size }: { userId: number; pictureId: string; size: PictureSize },
): Promise<Uint8Array<ArrayBuffer>> {
  const { avatar_url: url } = await getProfile(ctx, caller, userId);
  if (url !== `/api/users/${userId}/avatar/${pictureId.toLowerCase()}`) throw pictureNotFound();
  return await readPicture(ctx, pictureId.toLowerCase(), size);
}

/** A chat's picture as a WebP, for its participants. @throws Problem `not_found` */
export async function readChatPicture(
  ctx: Ctx,
  caller: Caller,
  { chatId, pictureId, size }: { chatId: number; pictureId: string; size: PictureSize },
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(await hasChatPicture(ctx.sql, caller.id, chatId, pictureId))) {
    await getChat(ctx, caller, chatId);
    throw pictureNotFound();
  }
  return await readPicture(ctx, pictureId.toLowerCase(), size);
}

async function readPicture(
  ctx: Ctx,
  pictureId: string,
  size: PictureSize,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readWhole(ctx.files, keyOf(pictureId, size));
  if (!bytes) throw pictureNotFound();
  return bytes;
}

function pictureNotFound(): Problem {
  return new Problem("not_found", "There is no such picture: it was replaced or removed.");
}
