// Each column that can hold a text has a decision about accounts whose messages are erased. A new column without one fails the test.
import { beforeAll, expect, test } from "bun:test";
import { continueDeletions } from "../../src/account-deletion/job.ts";
import { Passwords } from "../../src/accounts/passwords.ts";
import { uploaded } from "../attachments/files.ts";
import { textColumns, type Column } from "../database/texts.ts";
import { useWorld } from "../world/world.ts";

// The recurring task is called by the test.
const world = useWorld({ durations: { purgeMs: 3_600_000 } });
const password = "correct horse battery";
let hash: string;
beforeAll(async () => {
  hash = await new Passwords(world.ctx.log, { memoryKiB: 8, passes: 1 }).hash(password);
});

/** In everything that the person writes. No other text has it. */
const word = "numbat";

/** The test plants the word in it, and finds it nowhere afterwards. */
const erased = "erased";
const noText =
  "has no text of a person, but a kind, a state, a number, an emoji, a hash or a model's name";
const ofModel = "is of the model; answers stay";
const ofChat = "belongs to the chat, whoever has set it";
const kept = {
  audit: "the audit trail keeps names, addresses and user agents for AUDIT_DAYS, and no text",
  clientId: "is chosen by a program, and recognises a repeated message",
};

const decisions: Record<string, string> = {
  "access_keys.hint": noText,
  "access_keys.key_hash": noText,
  "access_keys.last_used_address": erased,
  "access_keys.name": erased,
  "access_keys.scopes": noText,
  "answer_receipts.files": noText,
  "answer_receipts.model": noText,
  "answer_receipts.settings": ofChat,
  "answer_runs.usage": noText,
  "attachments.client_id": erased,
  "attachments.kind": noText,
  "attachments.name": erased,
  "attachments.transcript": erased,
  "audit_events.action": noText,
  "audit_events.actor_name": kept.audit,
  "audit_events.address": kept.audit,
  "audit_events.details": kept.audit,
  "audit_events.outcome": noText,
  "audit_events.target": noText,
  "audit_events.user_agent": kept.audit,
  "budgets.kind": noText,
  "chat_changes.emoji": noText,
  "chat_changes.kind": noText,
  "chat_participants.role": noText,
  "chat_summaries.content": erased,
  "chats.name": ofChat,
  "chats.settings": ofChat,
  "display_name_parts.part": erased,
  "file_removals.key": noText,
  "former_usernames.name_hash": noText,
  "incoming_webhooks.name": ofChat,
  "incoming_webhooks.secret_hash": noText,
  "jobs.error": noText,
  "jobs.kind": noText,
  "jobs.lane": noText,
  "jobs.order_key": noText,
  "jobs.payload": "has ids, or the address of a mail that is on its way, and goes with the mail",
  "identities.issuer": erased,
  "identities.label": erased,
  "identities.provider": noText,
  "identities.subject": erased,
  "mail_links.email": erased,
  "mail_links.link_hash": noText,
  "mail_links.purpose": noText,
  "message_reactions.emoji": noText,
  "message_reports.reason": erased,
  "message_versions.content": erased,
  "messages.attachments": erased,
  "messages.client_id": kept.clientId,
  "messages.content": erased,
  "messages.error": ofModel,
  "messages.reactions": noText,
  "messages.sources": ofModel,
  "messages.status": noText,
  "messages.usage": noText,
  "model_file_removals.name": noText,
  "model_files.name": noText,
  "model_files.uri": noText,
  "people_changes.kind": noText,
  "picture_counts.scope": noText,
  "presence.status": noText,
  "provider_visits.proof_hash": noText,
  "provider_visits.provider": noText,
  "provider_visits.return_to": "is an address that the operator has allowed",
  "provider_visits.secret_hash": noText,
  "push_subscriptions.auth": noText,
  "push_subscriptions.endpoint": erased,
  "push_subscriptions.p256dh": noText,
  "rate_limits.key": "is deleted when its period ends, at most an hour later",
  "recovery_codes.code_hash": noText,
  "schema_migrations.version": noText,
  "search_entries.words": erased,
  "sessions.address": erased,
  "sessions.refresh_token_hash": noText,
  "sessions.user_agent": erased,
  "sign_in_codes.code_hash": noText,
  "sign_in_codes.password_digest": noText,
  "sign_in_codes.proof_hash": noText,
  "sign_in_codes.provider": noText,
  "sign_in_tickets.password_digest": noText,
  "sign_in_tickets.ticket_hash": noText,
  "socket_tickets.ticket_hash": noText,
  "stored_files.blur": noText,
  "stored_files.key": noText,
  "stored_files.kind": noText,
  "stored_files.media_type": noText,
  "stored_files.sha256": noText,
  "stored_files.thumbnails": noText,
  "stored_files.uploaded_sha256": noText,
  "stored_files.waveform": noText,
  "totp_secrets.secret": noText,
  "upload_parts.key": noText,
  "uploaded_bytes.scope": noText,
  "uploads.client_id": erased,
  "uploads.kind": noText,
  "uploads.name": erased,
  "usage_days.kind": noText,
  "user_sockets.counts": noText,
  "users.bio": erased,
  "users.display_name": erased,
  "users.display_name_parts": erased,
  "users.email": erased,
  "users.hashed_password": noText,
  "users.presence": noText,
  "users.username": erased,
  "webhook_deliveries.error": noText,
  "webhook_deliveries.status": noText,
  "webhook_deliveries.type": noText,
  "webhooks.events": noText,
  "webhooks.off_reason": noText,
  "webhooks.sealed_previous": noText,
  "webhooks.sealed_secret": noText,
  "webhooks.url": erased,
};

const nameOf = ({ table, column }: Column) => `${table}.${column}`;

/** The columns that have the word. */
async function columnsWithWord(): Promise<string[]> {
  const { sql } = world;
  const found: string[] = [];
  for (const each of await textColumns(sql)) {
    const rows = await sql`
      select from ${sql(each.table)} where ${sql(each.column)}::text ilike ${`%${word}%`} limit 1
    `;
    if (rows.length > 0) found.push(nameOf(each));
  }
  return found;
}

test("every column that can hold a text has a decision, and no decision is about a column that is gone", async () => {
  const columns = (await textColumns(world.sql)).map(nameOf);
  expect(columns.length).toBeGreaterThan(40);
  expect(Object.keys(decisions).toSorted()).toEqual(columns.toSorted());
});

test("a word that the person has left in every column is in none of those that are erased", async () => {
  const { sql } = world;
  const ann = await world.person(word);
  const ben = await world.person("ben");
  await sql`
    update users set hashed_password = ${hash}, email = 'numbat@example.com' where id = ${ann.id}
  `;
  await sql`
    update sessions set address = 'numbat.example', user_agent = 'a numbat browser' where user_id = ${ann.id}
  `;
  await sql`
    insert into push_subscriptions (user_id, session_id, endpoint, p256dh, auth, shows_text)
    values (${ann.id}, ${ann.sessionId}, 'https://numbat.example', ${"x".repeat(87)}, ${"x".repeat(22)}, true)
  `;
  await sql`
    insert into access_keys (user_id, name, key_hash, hint, scopes, last_used_address)
    values (${ann.id}, 'my numbat', ${hash}::bytea, 'abcd', '{chats:read}', 'numbat.example')
  `;
  await sql`
    insert into mail_links (link_hash, user_id, purpose, email, expires_at)
    values (${hash}::bytea, ${ann.id}, 'verify_email', 'numbat@example.com', now() + interval '1 hour')
  `;
  await sql`
    insert into identities (user_id, provider, issuer, subject, label)
    values (${ann.id}, 'oidc', 'https://numbat.example', 'numbat', 'numbat@example.com')
  `;
  const webhook = { url: "https://numbat.example/", events: ["mention"] };
  expect((await ann.api("POST", "/api/webhooks", webhook)).status).toBe(200);
  await ann.api("PATCH", "/api/auth/me", { display_name: "Numbat", bio: "A numbat, indeed." });
  const chat = await ben.chat({ name: "Room", with: [ann] });
  const path = `/api/chats/${chat.id}/messages`;
  const message = await ann.say(chat.id, "a numbat", "client-numbat");
  await ann.api("PATCH", `${path}/${message.id}`, { content: "another numbat" });
  const file = (name: string) => ({ name, clientId: `client-${name}` });
  const sent = await uploaded(world, ann, chat.id, "bytes of a file", file("numbat.txt"));
  await ann.api("POST", path, { content: "with a file", attachment_ids: [sent.id] });
  await sql`update attachments set transcript = 'A numbat speaks.' where id = ${sent.id}`;
  // Files that are not sent yet.
  await uploaded(world, ann, chat.id, "other bytes of a file", file("numbat2.txt"));
  const part = { name: "numbat3.txt", size: 10, client_id: "client-numbat3" };
  const begun = await ann.api("POST", `/api/chats/${chat.id}/attachments/uploads`, part);
  expect(begun.status).toBe(200);
  const bens = await ben.say(chat.id, "a rude reply");
  await ann.api("POST", `${path}/${bens.id}/report`, { reason: "He hates the numbat." });
  await sql`
    insert into chat_summaries (chat_id, up_to_seq, content) values (${chat.id}, 4, 'Ann likes the numbat.')
  `;
  await world.index();
  const planted = Object.keys(decisions).filter((column) => decisions[column] === erased);
  expect(await columnsWithWord()).toEqual(expect.arrayContaining(planted));

  const body = { password, messages: "erase" };
  expect((await ann.api("DELETE", "/api/auth/me", body)).status).toBe(200);
  for (;;) {
    await continueDeletions(world.ctx);
    if ((await sql`select 1 from account_deletions`).length === 0) break;
  }
  const stored = await sql`select 1 from stored_files`;
  expect(stored).toHaveLength(0);
  const left = await columnsWithWord();
  expect(left.toSorted()).toEqual(["audit_events.actor_name", "messages.client_id"]);
});
