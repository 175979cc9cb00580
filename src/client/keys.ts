// `gemini-coop/client/keys`: access keys and bots, which let programs in.
import type { AccessKey, CreatedKey } from "../wire/access-keys.ts";
import type { Bot } from "../wire/bots.ts";
import type { Scope } from "../wire/scopes.ts";
import type { Client } from "./client.ts";

export type { AccessKey, CreatedKey } from "../wire/access-keys.ts";
export type { Bot } from "../wire/bots.ts";
export type { Scope } from "../wire/scopes.ts";

export interface NewKey {
  name: string;
  scopes: Scope[];
  /** The only chats that it may be used in; all of them unless said otherwise. */
  chat_ids?: number[] | null;
  /** RFC 3339; it does not expire unless said otherwise. */
  expires_at?: string | null;
}

export type Keys = ReturnType<typeof createKeys>;

/** All functions throw ProblemError, with the codes that the API documents. */
export function createKeys({ call }: Pick<Client, "call">) {
  return {
    /** The keys of the person and of the person's bots, the latest first. */
    listKeys: () => call<AccessKey[]>("GET", "/api/auth/keys"),
    /** Only the result has the key itself. @param botId the person's bot that the key is for; undefined for the own account */
    createKey: (key: NewKey, botId?: number) =>
      call<CreatedKey>(
        "POST",
        botId === undefined ? "/api/auth/keys" : `/api/bots/${botId}/keys`,
        key,
      ),
    revokeKey: (keyId: number) => call<{ message: string }>("DELETE", `/api/auth/keys/${keyId}`),
    /** The person's bots, the latest first. */
    listBots: () => call<Bot[]>("GET", "/api/bots"),
    createBot: (username: string) => call<Bot>("POST", "/api/bots", { username }),
    /** The bot's messages stay under "Deleted user". */
    deleteBot: (botId: number) => call<{ message: string }>("DELETE", `/api/bots/${botId}`),
  };
}
