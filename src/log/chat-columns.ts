// The columns of a Chat.
import type { Fragment, Sql } from "../database/connect.ts";
import { wireTime } from "../database/wire-json.ts";
import { ChatSettings } from "../wire/chats.ts";

/** The settings with their members in the order of the wire; PostgreSQL stores them in another one. */
const wireSettings = `json_build_object(${Object.keys(ChatSettings.shape)
  .map((name) => `'${name}', c.settings -> '${name}'`)
  .join(", ")})`;

/**
 * The columns of a Chat, from `chats c`.
 * @param name the name to show; a private chat that nobody has named is stored with the usernames of both people
 * @param form `wire` for JSON that PostgreSQL writes
 */
export function chatColumns(sql: Sql, name: Fragment = sql`c.name`, form: "row" | "wire" = "row") {
  const isWire = form === "wire";
  const createdAt = isWire ? sql.unsafe(wireTime("c.created_at")) : sql`c.created_at`;
  const settings = isWire ? sql.unsafe(wireSettings) : sql`c.settings`;
  return sql`
    c.id, ${name} as name, c.is_named, c.owner_id, c.is_group, c.is_ai_chat, ${createdAt} as created_at, c.last_seq,
    c.updated_seq, ${settings} as settings
  `;
}
