// Access keys, by which programs act in an account.
import { z } from "zod";
import { Scope } from "./scopes.ts";
import { Id, numeric, text, Time, TimeInput } from "./text.ts";

/** Limit of the keys of one account. Expired keys count until they are deleted. */
export const keysPerAccountMax = 50;
/** Limit of the chats that a key may be restricted to. */
export const keyChatsMax = 100;

/** Begins every key, so that scanners for leaked secrets recognise it. */
export const keyPrefix = "gck_";

const scopeList = z
  .array(Scope)
  .min(1, "must name at least one scope")
  .max(20, "must name at most 20 scopes")
  .transform((scopes) => [...new Set(scopes)].toSorted());

export const CreateKeyInput = z
  .object({
    name: text({ min: 1, max: 100 }).meta({ example: "Build results" }),
    scopes: scopeList.meta({ example: ["messages:write"] }),
    chat_ids: z
      .array(Id)
      .min(1, "must name at least one chat; leave it out for all chats")
      .max(keyChatsMax, `must name at most ${keyChatsMax} chats`)
      .transform((ids) => [...new Set(ids)].toSorted((a, b) => a - b))
      .nullish()
      .meta({ description: "The only chats that the key may be used in. Absent or null: all." }),
    expires_at: TimeInput.nullish().meta({
      description: "The time after which the key is refused. Absent or null: it does not expire.",
      example: "2027-11-22T10:15:30.123Z",
    }),
  })
  .meta({ id: "CreateKeyInput" });
export type CreateKeyInput = z.infer<typeof CreateKeyInput>;

export const AccessKey = z
  .object({
    id: Id,
    name: z.string(),
    hint: z.string().meta({ description: "The last 4 characters of the key", example: "x7Qa" }),
    bot_id: Id.nullable().meta({
      description: "The caller's bot that the key belongs to; null: the caller's own key",
    }),
    scopes: z.array(Scope),
    chat_ids: z.array(Id).nullable().meta({
      description: "The only chats that the key may be used in; null: all chats of its account",
    }),
    created_at: Time,
    expires_at: Time.nullable().meta({ description: "null: it does not expire" }),
    last_used_at: Time.nullable().meta({
      description: "The last use, at most a minute old; null: it was never used",
    }),
    last_used_address: z.string().nullable(),
  })
  .meta({ id: "AccessKey", description: "An access key as its owner sees it, without the key" });
export type AccessKey = z.infer<typeof AccessKey>;

export const CreatedKey = AccessKey.extend({
  key: z.string().meta({
    description: "For `Authorization: Bearer` and the `auth` frame. It is shown this once.",
    example: `${keyPrefix}VG9kYXkgaXMgYSBnb29kIGRheSB0byBzYXkgaGVsbG8`,
  }),
}).meta({ id: "CreatedKey", description: "A new access key, with the key itself" });
export type CreatedKey = z.infer<typeof CreatedKey>;

export const KeyPath = z.object({ key_id: numeric({ min: 1 }).meta({ example: 1 }) });
