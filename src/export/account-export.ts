import type { Caller } from "../accounts/access-tokens.ts";
import { isSessionLive } from "../accounts/queries.ts";
import type { Ctx } from "../context.ts";
import {
  findLargeParts,
  findLastMessageId,
  findOwnMessages,
  findOwnReactions,
  findSmallParts,
  type Row,
} from "./account-queries.ts";

const pageSize = 200;
/** Ids of messages that one statement looks through. */
const idsPageSize = 10_000;

const line = (type: string, row: Row) => `${JSON.stringify({ type, ...row })}\n`;

/**
 * Yields all that is stored about the caller as JSON Lines, a page at a time. The last line is `end`; a session that ends meanwhile
 * ends the export, with `complete: false`.
 */
export async function* exportAccount(ctx: Ctx, caller: Caller): AsyncGenerator<string, void> {
  yield line("export", { version: 1, exported_at: ctx.now().toISOString() });
  for await (const part of accountParts(ctx, caller)) {
    if (part !== "") yield part;
    if (!(await isSessionLive(ctx.sql, caller))) return yield line("end", { complete: false });
  }
  yield line("end", { complete: true });
}

async function* accountParts(ctx: Ctx, caller: Caller): AsyncGenerator<string, void> {
  const { sql } = ctx;
  const chatIds: number[] = [];
  for (const [type, find] of Object.entries(findSmallParts(sql, caller.id))) {
    const rows = await find();
    if (type === "chat") chatIds.push(...rows.map(({ id }) => Number(id)));
    yield rows.map((row) => line(type, row)).join("");
  }
  for (const [type, find] of Object.entries(findLargeParts(sql, caller.id, pageSize))) {
    for (let after: number | undefined = 0; after !== undefined;) {
      const rows: Awaited<ReturnType<typeof find>> = await find(after);
      yield rows.map((row) => line(type, row)).join("");
      after = rows.length < pageSize ? undefined : rows.at(-1)?.id;
    }
  }
  for (const chatId of chatIds) yield* reactions(ctx, caller.id, chatId);
  yield* messages(ctx, caller.id);
}

async function* reactions(ctx: Ctx, userId: number, chatId: number): AsyncGenerator<string, void> {
  let after = { messageId: 0, emoji: "" };
  for (;;) {
    const rows = await findOwnReactions(ctx.sql, userId, chatId, { after, limit: pageSize });
    yield rows.map((row) => line("reaction", row)).join("");
    const last = rows.at(-1);
    if (!last || rows.length < pageSize) return;
    after = { messageId: last.message_id, emoji: last.emoji };
  }
}

/** No index leads from a person to their messages, also in chats that they have left: the table is looked through in parts. */
async function* messages(ctx: Ctx, userId: number): AsyncGenerator<string, void> {
  const end = await findLastMessageId(ctx.sql);
  for (let after = 0; after < end;) {
    const to = Math.min(after + idsPageSize, end);
    const rows = await findOwnMessages(ctx.sql, userId, { after, to, limit: pageSize });
    yield rows.map((row) => line("message", row)).join("");
    after = rows.length < pageSize ? to : (rows.at(-1)?.id ?? to);
  }
}
