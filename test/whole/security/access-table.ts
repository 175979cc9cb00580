// The access matrix: a line for every operation of openapi.json and every frame of a client. A line that is missing, or
// whose operation or frame doesn't exist any more, fails access.test.ts and access-sockets.test.ts.
import { pushKeys, type Answering, type Scene } from "./scene.ts";

export const roles = [
  "nobody",
  "stranger",
  "former",
  "member",
  "author",
  "moderator",
  "owner",
] as const;
/**
 * `nobody` has no token, a `stranger` was never in the chat, a `former` member was removed from it, the `author` has
 * asked the question that its messages are about, and a `member` is neither that nor a moderator nor the owner.
 */
export type Role = (typeof roles)[number];

interface Request {
  /** A valid request body. */
  body?: (scene: Scene, caller: Exclude<Role, "nobody">) => unknown;
  /** Members of the query that the operation needs. */
  query?: string;
  /** The answer that the operation is about; `complete` unless said otherwise. */
  answer?: Answering;
  /** The message that the operation is about; the answer unless said otherwise. */
  message?: "question";
  /** The code of refusals that are neither about the token nor about the role. */
  refusal?: string;
  /** Path parameters that differ from the scene's own. */
  ids?: (scene: Scene) => Record<string, string | number>;
  /** The status for a moderator; that for a member unless said otherwise. */
  moderator?: number;
}

export interface Rule extends Request {
  /** The status that each role is answered with. */
  statuses: Record<Role, number>;
}

/** @param statuses in the order of {@link roles}, without the moderator */
function rule(statuses: number[], request: Request): Rule {
  const listed = roles.filter((role) => role !== "moderator");
  const byRole = (role: (typeof listed)[number]) => statuses[listed.indexOf(role)] ?? 0;
  return {
    statuses: {
      nobody: byRole("nobody"),
      stranger: byRole("stranger"),
      former: byRole("former"),
      member: byRole("member"),
      author: byRole("author"),
      moderator: request.moderator ?? byRole("member"),
      owner: byRole("owner"),
    },
    ...request,
  };
}

const anyone = (request: Request = {}) => rule([200, 200, 200, 200, 200, 200], request);
const signedIn = (request: Request = {}) => rule([401, 200, 200, 200, 200, 200], request);
const participants = (request: Request = {}) => rule([401, 404, 404, 200, 200, 200], request);
/** Operations on an attachment that belongs to its author alone until it is sent. */
const authors = (request: Request = {}) => rule([401, 404, 404, 404, 200, 404], request);
const owners = (request: Request = {}) => rule([401, 404, 404, 403, 403, 200], request);
/** Operations on a webhook of the chat, which nobody else finds. */
const webhooks = (request: Request = {}) => rule([401, 404, 404, 404, 404, 200], request);

export const operations: Record<string, Rule> = {
  "POST /api/auth/register": anyone({ body: (scene) => scene.newcomer() }),
  "POST /api/auth/login": anyone({ body: (scene) => scene.credentials() }),
  "POST /api/auth/refresh": anyone({ body: (scene) => scene.refreshToken() }),
  "POST /api/auth/logout": anyone({ body: (scene) => scene.refreshToken() }),
  "GET /api/auth/me": signedIn(),
  "PATCH /api/auth/me": signedIn({ body: () => ({ read_receipts: false }) }),
  "DELETE /api/auth/me": signedIn({ body: (scene) => scene.deletion() }),
  // The body of the test is no picture.
  "PUT /api/auth/me/avatar": rule([401, 422, 422, 422, 422, 422], { body: () => 1 }),
  "DELETE /api/auth/me/avatar": signedIn(),
  "GET /api/users/{user_id}/avatar/{picture_id}": signedIn(),
  "POST /api/auth/ws-ticket": signedIn(),
  "POST /api/auth/password": signedIn({ body: (scene) => scene.newPassword() }),
  "GET /api/auth/sessions": signedIn(),
  "DELETE /api/auth/sessions": signedIn(),
  "DELETE /api/auth/sessions/{session_id}": signedIn(),
  "POST /api/auth/login/totp": anyone({ body: (scene) => scene.secondFactor() }),
  "POST /api/auth/totp": signedIn(),
  // Nobody in the scene has an app: test/two-factor has people who have.
  "POST /api/auth/totp/confirm": rule([401, 409, 409, 409, 409, 409], {
    refusal: "totp_not_set_up",
    body: () => ({ code: "123456" }),
  }),
  "DELETE /api/auth/totp": rule([401, 409, 409, 409, 409, 409], {
    refusal: "totp_not_set_up",
    body: () => ({ code: "123456" }),
  }),
  // The world has no mail server: test/account-mail has one.
  "POST /api/auth/email": rule([401, 503, 503, 503, 503, 503], {
    refusal: "mail_not_configured",
    body: () => ({ email: "new@example.com" }),
  }),
  "POST /api/auth/email/verify": rule([503, 503, 503, 503, 503, 503], {
    body: () => ({ token: "none" }),
  }),
  "POST /api/auth/password/forgot": rule([503, 503, 503, 503, 503, 503], {
    body: () => ({ email: "new@example.com" }),
  }),
  "POST /api/auth/password/reset": rule([503, 503, 503, 503, 503, 503], {
    body: () => ({ token: "none", password: "correct horse battery" }),
  }),
  "GET /api/auth/providers": anyone(),
  // The world has no provider: test/identities has some.
  "GET /api/auth/oauth/{provider}": rule([404, 404, 404, 404, 404, 404], {}),
  "GET /api/auth/oauth/{provider}/callback": rule([404, 404, 404, 404, 404, 404], {}),
  "POST /api/auth/oauth/token": anyone({ body: (scene) => scene.signInCode() }),
  "GET /api/auth/identities": signedIn(),
  "POST /api/auth/identities/{identity}": rule([401, 404, 404, 404, 404, 404], {
    ids: () => ({ identity: "github" }),
  }),
  // The identity is the member's.
  "DELETE /api/auth/identities/{identity}": rule([401, 404, 404, 200, 404, 404], {
    moderator: 404,
  }),
  "POST /api/auth/keys": signedIn({
    body: () => ({ name: "Results", scopes: ["messages:write"] }),
  }),
  "GET /api/auth/keys": signedIn(),
  // Keys and bots of the member.
  "DELETE /api/auth/keys/{key_id}": rule([401, 404, 404, 200, 404, 404], { moderator: 404 }),
  "POST /api/bots": signedIn({ body: (scene) => ({ username: scene.newName() }) }),
  "GET /api/bots": signedIn(),
  "DELETE /api/bots/{bot_id}": rule([401, 404, 404, 200, 404, 404], { moderator: 404 }),
  "POST /api/bots/{bot_id}/keys": rule([401, 404, 404, 200, 404, 404], {
    moderator: 404,
    body: () => ({ name: "Results", scopes: ["messages:write"] }),
  }),
  "GET /api/push/key": signedIn(),
  "POST /api/push/subscriptions": signedIn({
    body: (_, caller) => ({ endpoint: `https://push.example.com/as-${caller}`, keys: pushKeys }),
  }),
  "GET /api/push/subscriptions": signedIn(),
  // The browser of the member.
  "DELETE /api/push/subscriptions/{subscription_id}": rule([401, 404, 404, 200, 404, 404], {
    moderator: 404,
  }),
  // The webhook of the chat, which its owner manages.
  "POST /api/chats/{chat_id}/webhooks": owners({
    body: () => ({ url: "https://hooks.invalid/", events: ["chat.deleted"] }),
  }),
  "GET /api/chats/{chat_id}/webhooks": owners(),
  "POST /api/webhooks": signedIn({
    body: () => ({ url: "https://hooks.invalid/", events: ["mention"] }),
  }),
  "GET /api/webhooks": signedIn(),
  "GET /api/webhooks/{webhook_id}": webhooks(),
  "PATCH /api/webhooks/{webhook_id}": webhooks({ body: () => ({ is_enabled: true }) }),
  "DELETE /api/webhooks/{webhook_id}": webhooks(),
  "POST /api/webhooks/{webhook_id}/test": webhooks(),
  "POST /api/webhooks/{webhook_id}/secret": webhooks({ body: () => ({}) }),
  "GET /api/webhooks/{webhook_id}/deliveries": webhooks(),
  "POST /api/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": webhooks(),
  "POST /api/chats/{chat_id}/hooks": owners({ body: () => ({ name: "Results" }) }),
  "GET /api/chats/{chat_id}/hooks": owners(),
  "DELETE /api/chats/{chat_id}/hooks/{hook_id}": owners(),
  "POST /hooks/{secret}": anyone({ body: () => ({ text: "Built." }) }),
  "POST /api/chats": signedIn({ body: () => ({ name: "Another" }) }),
  "GET /api/users/search": signedIn(),
  "GET /api/search": signedIn({ query: "q=hello" }),
  "GET /api/chats": signedIn(),
  "GET /api/chats/{chat_id}": participants(),
  "PATCH /api/chats/{chat_id}": owners({ body: () => ({ name: "Taken over" }) }),
  "DELETE /api/chats/{chat_id}": owners(),
  "PUT /api/chats/{chat_id}/preferences": participants({ body: () => ({ pinned: true }) }),
  "GET /api/chats/{chat_id}/participants": participants(),
  "DELETE /api/chats/{chat_id}/participants/{user_id}": owners({ moderator: 200 }),
  "PATCH /api/chats/{chat_id}/participants/{user_id}": owners({
    body: () => ({ role: "moderator" }),
  }),
  "GET /api/chats/{chat_id}/reports": owners({ moderator: 200 }),
  "POST /api/chats/{chat_id}/reports/{report_id}/resolve": owners({ moderator: 200 }),
  "POST /api/chats/{chat_id}/messages/{message_id}/report": participants({
    body: () => ({ reason: "It is rude." }),
  }),
  "POST /api/chats/{chat_id}/invite": participants({
    body: ({ people }) => ({ username: people.stranger.username }),
  }),
  "POST /api/chats/{chat_id}/mark-read": participants({ body: () => ({ seq: 1 }) }),
  "GET /api/chats/{chat_id}/read-receipts": participants(),
  "GET /api/chats/{chat_id}/messages/{message_id}/readers": participants(),
  "POST /api/chats/{chat_id}/leave": rule([401, 404, 404, 200, 200, 409], {}),
  "GET /api/chats/{chat_id}/messages": participants(),
  "POST /api/chats/{chat_id}/messages": participants({ body: () => ({ content: "hello" }) }),
  "GET /api/chats/{chat_id}/messages/{message_id}": participants(),
  "PATCH /api/chats/{chat_id}/messages/{message_id}": rule([401, 404, 404, 403, 200, 403], {
    body: () => ({ content: "/bot Is anybody there?" }),
    message: "question",
  }),
  "DELETE /api/chats/{chat_id}/messages/{message_id}": rule([401, 404, 404, 403, 200, 200], {
    moderator: 200,
  }),
  "GET /api/chats/{chat_id}/messages/{message_id}/versions": participants(),
  "POST /api/chats/{chat_id}/messages/{message_id}/stop": participants({ answer: "streaming" }),
  "POST /api/chats/{chat_id}/messages/{message_id}/regenerate": participants(),
  "GET /api/chats/{chat_id}/messages/{message_id}/context": participants(),
  "PUT /api/chats/{chat_id}/messages/{message_id}/reactions/{emoji}": participants(),
  "DELETE /api/chats/{chat_id}/messages/{message_id}/reactions/{emoji}": participants(),
  // A body that is no file is one all the same: the bytes of its JSON.
  "POST /api/chats/{chat_id}/attachments": participants({ body: () => "a file" }),
  "GET /api/chats/{chat_id}/attachments": participants(),
  "GET /api/chats/{chat_id}/attachments/{attachment_id}": participants(),
  "GET /api/chats/{chat_id}/attachments/{attachment_id}/thumbnails/{width}": participants(),
  "POST /api/chats/{chat_id}/attachments/{attachment_id}/ticket": participants(),
  "DELETE /api/chats/{chat_id}/attachments/{attachment_id}": authors({
    ids: ({ files }) => ({ attachment_id: files.unsentId }),
  }),
  "POST /api/chats/{chat_id}/attachments/uploads": participants({
    body: () => ({ name: "a.txt", size: 1 }),
  }),
  "GET /api/chats/{chat_id}/attachments/uploads/{upload_id}": authors(),
  "PUT /api/chats/{chat_id}/attachments/uploads/{upload_id}": authors({
    body: () => 1,
    query: "offset=0",
  }),
  "DELETE /api/chats/{chat_id}/attachments/uploads/{upload_id}": authors(),
  "POST /api/chats/{chat_id}/attachments/uploads/{upload_id}/complete": authors({
    ids: ({ files }) => ({ upload_id: files.receivedUploadId }),
  }),
  "PUT /api/chats/{chat_id}/picture": rule([401, 404, 404, 403, 403, 422], { body: () => 1 }),
  "DELETE /api/chats/{chat_id}/picture": owners(),
  "GET /api/chats/{chat_id}/picture/{picture_id}": participants(),
  "GET /api/chats/{chat_id}/export": participants(),
  "GET /api/auth/me/export": signedIn(),
  "GET /api/usage": signedIn(),
  "GET /api/models": signedIn(),
  "GET /api/users/blocked": signedIn(),
  "GET /api/users/{user_id}": signedIn(),
  // The person is the member.
  "PUT /api/users/{user_id}/block": rule([401, 200, 200, 422, 200, 200], { moderator: 200 }),
  "DELETE /api/users/{user_id}/block": signedIn(),
  "GET /health": anyone(),
  "GET /ready": anyone(),
};

export interface FrameRule {
  /** Its members besides `type`, all of them good. */
  members: (scene: Scene, caller: Exclude<Role, "nobody">) => object;
  /** The type of the reply, for an error its code. `nobody` is always closed with 1008. */
  replies: Record<Exclude<Role, "nobody">, string>;
  answer?: Answering;
}

const toAll = (reply: string) => ({
  stranger: reply,
  former: reply,
  member: reply,
  author: reply,
  moderator: reply,
  owner: reply,
});
const toParticipants = (reply: string) => ({
  ...toAll(reply),
  stranger: "not_found",
  former: "not_found",
});
const inChat = ({ chatId }: Scene) => ({ chat_id: chatId });

export const frames: Record<string, FrameRule> = {
  auth: {
    members: ({ people }, caller) => ({ token: people[caller].token }),
    replies: toAll("ack"),
  },
  join: { members: inChat, replies: toParticipants("joined") },
  message: {
    members: (scene) => ({ ...inChat(scene), content: "hello" }),
    replies: toParticipants("ack"),
  },
  edit: {
    members: (scene) => ({ ...inChat(scene), message_id: scene.questionId, content: "hello" }),
    replies: { ...toParticipants("forbidden"), author: "ack" },
  },
  react: {
    members: (scene) => ({
      ...inChat(scene),
      message_id: scene.questionId,
      emoji: "👍",
      on: true,
    }),
    replies: toParticipants("ack"),
  },
  delete: {
    members: (scene) => ({ ...inChat(scene), message_id: scene.messageId }),
    replies: { ...toParticipants("ack"), member: "forbidden" },
  },
  typing: { members: inChat, replies: toParticipants("ack") },
  read: {
    members: (scene) => ({ ...inChat(scene), seq: 1 }),
    replies: toParticipants("ack"),
  },
  // A join belongs to one socket: `leave` is acknowledged even if the socket has not joined.
  leave: { members: inChat, replies: toAll("ack") },
  stop: {
    members: (scene) => ({ ...inChat(scene), message_id: scene.messageId }),
    replies: toParticipants("ack"),
    answer: "streaming",
  },
  presence: { members: () => ({ status: "away" }), replies: toAll("ack") },
  // Strangers are told of no status: test/presence/strangers.test.ts.
  watch_presence: {
    members: ({ people }) => ({ user_ids: [people.owner.id] }),
    replies: toAll("ack"),
  },
  ping: { members: () => ({}), replies: toAll("pong") },
};
