// A chat and the people around it, one in each role, and all that is stored.
import { pino } from "pino";
import { hashSecret, makeSecret } from "../../../src/accounts/access-tokens.ts";
import { Passwords } from "../../../src/accounts/passwords.ts";
import { insertSession } from "../../../src/accounts/queries.ts";
import { answer, answerAndHang, finish, say } from "../../world/gemini/script.ts";
import { insertUser } from "../../../src/accounts/user-queries.ts";
import { newAppSecret } from "../../world/app-codes.ts";
import type { Person, World } from "../../world/world.ts";
import { addFiles, type SceneFiles } from "./scene-files.ts";

/** The answer to the scene's question: a complete one, or one that runs until it is stopped. */
export type Answering = "complete" | "streaming";

export interface Scene {
  people: Record<"stranger" | "former" | "member" | "author" | "moderator" | "owner", Person>;
  chatId: number;
  /** The answer to the author's question. */
  messageId: number;
  questionId: number;
  files: SceneFiles;
  /** The values of path parameters for this caller. */
  idsFor(caller: Person | undefined): Record<string, string | number>;
  /** A username that nobody has. */
  newName(): string;
  newcomer(): object;
  credentials(): Promise<object>;
  refreshToken(): Promise<object>;
  /** The ticket and the code of a sign-in whose password was right. */
  secondFactor(): Promise<object>;
  /** A code of a provider's sign-in, with its verifier. */
  signInCode(): Promise<object>;
  newPassword(): object;
  deletion(): object;
}

const password = "correct horse battery";
const source = { address: "127.0.0.1", userAgent: null };
let hashed: Promise<string> | undefined;
/** Everybody has the same password: a hash takes its time. */
const hashOfAll = () => (hashed ??= new Passwords(pino({ level: "silent" })).hash(password));

async function registered(world: World, username: string) {
  const hashedPassword = await hashOfAll();
  const email = `${username}@example.com`;
  const user = await insertUser(world.sql, { username, email, hashedPassword, source });
  return { ...user, hashedPassword };
}

/** The keys of the example in RFC 8291 §5. */
export const pushKeys = {
  p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  auth: "BTBZMqHH6r4Tts7J_aSIgg",
};

/** @param beforeRemoval is called while the one who is to be a former member is still there */
export async function setScene(
  world: World,
  answering: Answering = "complete",
  beforeRemoval: (former: Person, chatId: number) => Promise<void> = async () => {},
): Promise<Scene> {
  const [owner, author, member, moderator, former, stranger] = [
    await world.person("owner"),
    await world.person("author"),
    await world.person("member"),
    await world.person("moderator"),
    await world.person("former"),
    await world.person("stranger"),
  ];
  const ids = [owner, author, member, moderator, former, stranger].map(({ id }) => id);
  await world.sql`update users set hashed_password = ${await hashOfAll()} where id in ${world.sql(ids)}`;
  const { id: chatId } = await owner.chat({ with: [author, member, moderator, former] });
  const role = { role: "moderator" };
  await owner.api("PATCH", `/api/chats/${chatId}/participants/${moderator.id}`, role);
  const listener = await author.joined(chatId);
  const piece = say("Yes.");
  world.gemini.respondWith(
    answering === "complete" ? answer(piece, finish()) : answerAndHang(piece),
  );
  const question = await author.say(chatId, "/bot Is anybody here?");
  const reached =
    answering === "complete"
      ? await listener.next("bot_stream", { is_complete: true })
      : await listener.next("bot_stream", { chunk: "Yes." });
  await listener.close();
  const files = await addFiles(world, chatId, author, question.id);
  await beforeRemoval(former, chatId);
  const reported = await author.api(
    "POST",
    `/api/chats/${chatId}/messages/${reached.message_id}/report`,
    { reason: "It is too short." },
  );
  if (reported.status !== 200) throw new Error(JSON.stringify(reported.body));
  const removed = await owner.api("DELETE", `/api/chats/${chatId}/participants/${former.id}`);
  if (removed.status !== 200) throw new Error(JSON.stringify(removed.body));
  const keyInput = { name: "Member's", scopes: ["messages:read"] };
  const key = await member.api("POST", "/api/auth/keys", keyInput);
  const bot = await member.api("POST", "/api/bots", { username: `bot${chatId}` });
  const hookInput = { name: "Scene's" };
  const hook = await owner.api("POST", `/api/chats/${chatId}/hooks`, hookInput);
  const pushInput = {
    endpoint: `https://push.example.com/${chatId}`,
    keys: pushKeys,
  };
  const push = await member.api("POST", "/api/push/subscriptions", pushInput);
  const told = { url: "https://hooks.invalid/", events: ["chat.deleted"] };
  const webhook = await owner.api("POST", `/api/chats/${chatId}/webhooks`, told);
  const delivery = await owner.api("POST", `/api/webhooks/${webhook.body.id}/test`);
  for (const { status, body } of [key, bot, hook, webhook, delivery, push])
    if (status !== 200) throw new Error(JSON.stringify(body));
  const [identity] = await world.sql<{ id: string }[]>`
    insert into identities (user_id, provider, issuer, subject, label)
    values (${member.id}, 'github', 'https://github.com', ${`${chatId}`}, 'member')
    returning id
  `;
  let newcomers = 0;
  const newName = () => `newcomer${chatId}.${(newcomers += 1)}`;

  return {
    people: { stranger, former, member, author, moderator, owner },
    chatId,
    messageId: Number(reached.message_id),
    questionId: question.id,
    files,
    idsFor: (caller) => ({
      chat_id: chatId,
      message_id: Number(reached.message_id),
      user_id: member.id,
      session_id: caller?.sessionId ?? owner.sessionId,
      report_id: reported.body.id,
      key_id: key.body.id,
      bot_id: bot.body.id,
      webhook_id: webhook.body.id,
      delivery_id: delivery.body.id,
      hook_id: hook.body.id,
      subscription_id: push.body.id,
      secret: hook.body.url.split("/").at(-1),
      identity: Number(identity?.id),
      provider: "github",
      emoji: encodeURIComponent("👍"),
      attachment_id: files.sentId,
      width: 256,
      upload_id: files.uploadId,
      picture_id: files.pictureId,
    }),
    newName,
    newcomer() {
      const username = newName();
      return { username, email: `${username}@example.com`, password };
    },
    deletion: () => ({ password, messages: "erase" }),
    newPassword: () => ({ current_password: password, new_password: "another horse battery" }),
    async credentials() {
      const { username } = await registered(world, newName());
      return { username, password };
    },
    async secondFactor() {
      const { id, username } = await registered(world, newName());
      const { secret, code } = newAppSecret();
      await world.sql`
        insert into totp_secrets (user_id, secret, confirmed_at) values (${id}, ${secret}, now())
      `;
      const { body } = await world.call("POST", "/api/auth/login", { username, password });
      return { ticket: body.ticket, code };
    },
    async signInCode() {
      const { id } = await registered(world, newName());
      const [code, verifier] = [makeSecret(), makeSecret()];
      await world.sql`
        insert into sign_in_codes (code_hash, user_id, provider, proof_hash, password_digest, expires_at)
        select ${hashSecret(code)}::bytea, id, 'github', ${hashSecret(verifier)}::bytea,
          sha256(convert_to(hashed_password, 'UTF8')), now() + interval '1 minute'
        from users where id = ${id}
      `;
      return { code, code_verifier: verifier };
    },
    async refreshToken() {
      const { hashedPassword, ...user } = await registered(world, newName());
      const [id, secret] = [crypto.randomUUID(), makeSecret()];
      await insertSession(world.sql, {
        id,
        user,
        hashedPassword,
        source,
        refreshTokenHash: hashSecret(secret),
        ttlSeconds: 60,
      });
      return { refresh_token: `${id}.${secret}` };
    },
  };
}

/**
 * Tables in which refusals themselves are noted, the sockets of those who are refused, what recurring tasks have to do, and the index
 * of the searches and the deliveries of webhooks, which servers fill meanwhile.
 */
const notes =
  /^(audit|account_deletions|rate|schema_migrations|presence|last_seen|search|file_removals|jobs|webhook_cursors|webhook_deliveries)/;

/**
 * All rows of all tables, as one text a row. One statement reads them: the access matrices ask some hundred times, and a statement
 * for each table would be planned on each of the pool's connections.
 * It waits for what operations before have begun: answers, and the first tries of webhooks, which note that their address fails.
 * @param without columns that are left out, whatever table they are in
 */
export async function storedRows(world: World, without: string[] = []): Promise<string[]> {
  while ((await readUnfinished(world)).length > 0);
  const rows = await world.sql.unsafe<{ row: string }[]>(await everyRowOf(world), [without], {
    prepare: true,
  });
  return rows.map(({ row }) => row);
}

const readUnfinished = (world: World) => world.sql`
  select from answer_runs
  union all
  select from webhooks w join webhook_deliveries d on d.webhook_id = w.id
  where w.is_enabled and w.failing_since is null and d.status = 'pending' and d.attempts = 0
`;

let statement: Promise<string> | undefined;
/** The statement that reads all rows but the notes: all worlds have the same tables. */
const everyRowOf = (world: World) => (statement ??= readEveryRow(world));

async function readEveryRow(world: World): Promise<string> {
  const tables = await world.sql<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1
  `;
  const reads = tables
    .filter(({ name }) => !notes.test(name))
    .map(
      ({ name }) => `select '${name} ' || (to_jsonb(t) - $1::text[])::text as row from ${name} t`,
    );
  return `select row from (${reads.join(" union all ")}) rows order by row collate "C"`;
}
