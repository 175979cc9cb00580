// Access to a chat follows one rule for all of its endpoints, so the tests call every endpoint of a chat that the
// OpenAPI document has.
import { beforeAll, describe, expect, test } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";
import { addFiles, type SceneFiles } from "../whole/security/scene-files.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";

interface Endpoint {
  method: string;
  path: string;
  body?: unknown;
  ownerOnly?: boolean;
}

/** The endpoints by operationId, each with a body that would do. */
const endpoints: Record<string, Endpoint> = {
  getChat: { method: "GET", path: "" },
  changeChat: { method: "PATCH", path: "", body: { name: "Taken over" }, ownerOnly: true },
  deleteChat: { method: "DELETE", path: "", ownerOnly: true },
  listReadReceipts: { method: "GET", path: "/read-receipts" },
  listParticipants: { method: "GET", path: "/participants" },
  removeParticipant: { method: "DELETE", path: "/participants/{user_id}", ownerOnly: true },
  changeRole: {
    method: "PATCH",
    path: "/participants/{user_id}",
    body: { role: "moderator" },
    ownerOnly: true,
  },
  listReports: { method: "GET", path: "/reports", ownerOnly: true },
  resolveReport: { method: "POST", path: "/reports/{report_id}/resolve", ownerOnly: true },
  inviteToChat: { method: "POST", path: "/invite", body: { username: "guest1" } },
  markRead: { method: "POST", path: "/mark-read", body: { seq: 1 } },
  changeChatPreferences: { method: "PUT", path: "/preferences", body: { pinned: true } },
  leaveChat: { method: "POST", path: "/leave" },
  createChatWebhook: {
    method: "POST",
    path: "/webhooks",
    body: { url: "https://hooks.invalid/", events: ["chat.deleted"] },
    ownerOnly: true,
  },
  listChatWebhooks: { method: "GET", path: "/webhooks", ownerOnly: true },
  createIncomingWebhook: {
    method: "POST",
    path: "/hooks",
    body: { name: "Results" },
    ownerOnly: true,
  },
  listIncomingWebhooks: { method: "GET", path: "/hooks", ownerOnly: true },
  revokeIncomingWebhook: { method: "DELETE", path: "/hooks/{hook_id}", ownerOnly: true },
  listMessages: { method: "GET", path: "/messages" },
  sendMessage: { method: "POST", path: "/messages", body: { content: "hello" } },
  reportMessage: {
    method: "POST",
    path: "/messages/{message_id}/report",
    body: { reason: "It is rude." },
  },
  exportChat: { method: "GET", path: "/export" },
  getMessage: { method: "GET", path: "/messages/{message_id}" },
  editMessage: { method: "PATCH", path: "/messages/{message_id}", body: { content: "taken over" } },
  deleteMessage: { method: "DELETE", path: "/messages/{message_id}" },
  listVersions: { method: "GET", path: "/messages/{message_id}/versions" },
  stopAnswer: { method: "POST", path: "/messages/{message_id}/stop" },
  regenerateAnswer: { method: "POST", path: "/messages/{message_id}/regenerate" },
  addReaction: { method: "PUT", path: "/messages/{message_id}/reactions/%F0%9F%91%8D" },
  removeReaction: { method: "DELETE", path: "/messages/{message_id}/reactions/%F0%9F%91%8D" },
  listReaders: { method: "GET", path: "/messages/{message_id}/readers" },
  uploadFile: { method: "POST", path: "/attachments", body: "a file" },
  listAttachments: { method: "GET", path: "/attachments" },
  getFile: { method: "GET", path: "/attachments/{attachment_id}" },
  getThumbnail: { method: "GET", path: "/attachments/{attachment_id}/thumbnails/256" },
  createFileTicket: { method: "POST", path: "/attachments/{attachment_id}/ticket" },
  deleteAttachment: { method: "DELETE", path: "/attachments/{attachment_id}" },
  beginUpload: { method: "POST", path: "/attachments/uploads", body: { name: "a", size: 1 } },
  getUpload: { method: "GET", path: "/attachments/uploads/{upload_id}" },
  putPart: { method: "PUT", path: "/attachments/uploads/{upload_id}?offset=0", body: 1 },
  cancelUpload: { method: "DELETE", path: "/attachments/uploads/{upload_id}" },
  completeUpload: { method: "POST", path: "/attachments/uploads/{upload_id}/complete" },
  putChatPicture: { method: "PUT", path: "/picture", body: 1, ownerOnly: true },
  deleteChatPicture: { method: "DELETE", path: "/picture", ownerOnly: true },
  getChatPicture: { method: "GET", path: "/picture/{picture_id}" },
  getAnswerContext: { method: "GET", path: "/messages/{message_id}/context" },
};

const world = useWorld();
let guest: Person;
let owner: Person;
let member: Person;
let stranger: Person;
let chatId: number;
let messageId: number;
let files: SceneFiles;
let reportId: number;
let hookId: number;
beforeAll(async () => {
  guest = await world.person("guest");
  owner = await world.person("owner");
  member = await world.person("member");
  stranger = await world.person("stranger");
  chatId = (await owner.chat({ name: "Closed", with: [member, guest] })).id;
  messageId = (await owner.say(chatId, "inside")).id;
  const path = `/api/chats/${chatId}/messages/${messageId}/report`;
  reportId = (await guest.api("POST", path, { reason: "It is rude." })).body.id;
  hookId = (await owner.api("POST", `/api/chats/${chatId}/hooks`, { name: "Results" })).body.id;
  files = await addFiles(world, chatId, owner, messageId);
});

function pathOf({ path }: Endpoint, { chat, ...ids }: Record<string, unknown>) {
  const values = {
    user_id: guest.id,
    message_id: messageId,
    report_id: reportId,
    hook_id: hookId,
    attachment_id: files.sentId,
    upload_id: files.uploadId,
    picture_id: files.pictureId,
    ...ids,
  };
  const rest = Object.entries(values).reduce(
    (text, [name, value]) => text.replace(`{${name}}`, `${value}`),
    path,
  );
  return `/api/chats/${chat ?? chatId}${rest}`;
}

/** Everything that is stored of the chat. */
async function stored(): Promise<string> {
  const rows = await world.sql`
    select to_jsonb(c) as row from chats c where id = ${chatId}
    union all select to_jsonb(p) from chat_participants p where chat_id = ${chatId}
    union all select to_jsonb(m) from messages m where chat_id = ${chatId}
    union all select to_jsonb(r) from message_reports r where chat_id = ${chatId}
    union all select to_jsonb(r) from message_reactions r where chat_id = ${chatId}
    union all select to_jsonb(a) from attachments a where chat_id = ${chatId}
    union all select to_jsonb(h) from incoming_webhooks h where chat_id = ${chatId}
    union all select to_jsonb(u) from uploads u where chat_id = ${chatId}
    union all select to_jsonb(w) from webhooks w where chat_id = ${chatId}
    order by 1
  `;
  return JSON.stringify(rows);
}

const badIds = ["0", "-1", "abc", "1.5", "1e3", "0x1", "%00", "9007199254740993", "9".repeat(30)];

describe.each(Object.entries(endpoints))("%s", (_, endpoint) => {
  const { method, body, path, ownerOnly } = endpoint;

  test("is 401 without a token", async () => {
    const before = await stored();
    const answer = await world.call(method, pathOf(endpoint, {}), body);
    expectProblem(answer, 401, "invalid_token");
    expect(await stored()).toBe(before);
  });

  test("tells a stranger the same of a chat as of none", async () => {
    const before = await stored();
    const existing = await stranger.api(method, pathOf(endpoint, {}), body);
    expectProblem(existing, 404, "not_found");
    for (const chat of [chatId + 1_000_000, Number.MAX_SAFE_INTEGER]) {
      const missing = await stranger.api(method, pathOf(endpoint, { chat }), body);
      expectProblem(missing, 404, "not_found");
      expect({ ...missing.body, instance: "" }).toEqual({ ...existing.body, instance: "" });
    }
    expect(await stored()).toBe(before);
  });

  test("is 422 for an id that is none", async () => {
    const before = await stored();
    for (const chat of badIds) {
      expectInvalid(await owner.api(method, pathOf(endpoint, { chat }), body), "/chat_id");
    }
    const names = ["user_id", "message_id", "report_id", "attachment_id", "upload_id"];
    for (const name of names.filter((id) => path.includes(id))) {
      for (const bad of badIds) {
        const answer = await owner.api(method, pathOf(endpoint, { [name]: bad }), body);
        expectInvalid(answer, `/${name}`);
      }
    }
    expect(await stored()).toBe(before);
  });

  if (ownerOnly) {
    test("is 403 for a member who isn't the owner", async () => {
      const before = await stored();
      expectProblem(await member.api(method, pathOf(endpoint, {}), body), 403, "forbidden");
      expect(await stored()).toBe(before);
    });
  }
});

test("somebody who left or was removed is a stranger again", async () => {
  const leaver = await world.person("leaver");
  const removed = await world.person("removed");
  const chat = await owner.chat({ with: [leaver, removed] });
  expect((await leaver.api("POST", `/api/chats/${chat.id}/leave`)).status).toBe(200);
  const path = `/api/chats/${chat.id}/participants/${removed.id}`;
  expect((await owner.api("DELETE", path)).status).toBe(200);
  for (const person of [leaver, removed]) {
    for (const endpoint of Object.values(endpoints)) {
      const { method, body } = endpoint;
      const answer = await person.api(method, pathOf(endpoint, { chat: chat.id }), body);
      expectProblem(answer, 404, "not_found");
    }
  }
});

test("these are all endpoints of a chat that there are", async () => {
  const { body } = await world.call("GET", "/openapi.json");
  const described = Object.entries<Record<string, { operationId: string }>>(body.paths)
    .filter(([path]) => path.startsWith("/api/chats/{chat_id}"))
    .flatMap(([, operations]) => Object.values(operations))
    .map((operation) => operation.operationId);
  expect(Object.keys(endpoints).toSorted()).toEqual(described.toSorted());
});
