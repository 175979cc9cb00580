// The server's real responses have every member that the OpenAPI document describes.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerAndHang, say } from "../world/gemini/script.ts";
import { Browser, outcomeOf } from "../world/browser.ts";
import { gitHubClient, startGitHub } from "../world/github.ts";
import { checkerOf } from "../world/json-schema.ts";
import { pushKeys } from "../whole/security/scene.ts";
import { appCode } from "../world/app-codes.ts";
import { startMailbox, tokenOf } from "../world/mailbox.ts";
import { useWorld, type Answer, type Person } from "../world/world.ts";
import { Document, operationsOf, type Operation } from "./openapi.ts";

const mailbox = await startMailbox();
const gitHub = startGitHub();
const world = useWorld({
  env: {
    SMTP_URL: mailbox.url,
    MAIL_FROM: "coop@example.com",
    OAUTH_GITHUB_URL: gitHub.url,
    OAUTH_GITHUB_CLIENT_ID: gitHubClient.id,
    OAUTH_GITHUB_CLIENT_SECRET: gitHubClient.secret,
  },
});
// Once the server has closed its connections.
afterAll(() => Promise.all([mailbox.stop(), gitHub.stop()]));
let document: Document;
let operations: Map<string, Operation>;
let check: ReturnType<typeof checkerOf>;
beforeAll(async () => {
  document = Document.parse((await world.call("GET", "/openapi.json")).body);
  operations = operationsOf(document);
  check = checkerOf(document.components.schemas);
});

type Schema = Record<string, unknown>;

function resolve(schema: Schema): Schema {
  const { $ref } = schema;
  if (typeof $ref !== "string") return schema;
  return document.components.schemas[$ref.split("/").at(-1) ?? ""] ?? {};
}

/** The members of a value are just those of its schema, in its order, all the way down. */
function expectMembers(value: unknown, given: unknown) {
  const schema = resolve(Object(given));
  if (Array.isArray(value)) {
    for (const item of value) expectMembers(item, schema.items);
  } else if (value !== null && typeof value === "object") {
    // The members of a map are named by its data.
    const isMap = schema.properties === undefined && schema.additionalProperties !== undefined;
    const properties = isMap
      ? Object.fromEntries(Object.keys(value).map((name) => [name, schema.additionalProperties]))
      : Object(schema.properties);
    // Members that only some kinds have are left out elsewhere.
    const required = Array.isArray(schema.required) ? schema.required : Object.keys(properties);
    const names = Object.keys(properties).filter(
      (name) => required.includes(name) || Object.hasOwn(value, name),
    );
    expect(Object.keys(value)).toEqual(names);
    for (const [name, member] of Object.entries(value)) expectMembers(member, properties[name]);
  }
}

function expectDescribed(name: string, answer: Answer) {
  const response = operations.get(name)?.responses[answer.status];
  const schema = response?.content["application/json"]?.schema;
  if (!schema) throw new Error(`${name} does not describe ${answer.status}`);
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(check(schema)(answer.body)).toBeUndefined();
  expectMembers(answer.body, schema);
}

/** The operations that have been seen to succeed. */
const done = new Set<string>();

async function does(
  who: Pick<Person, "api"> | undefined,
  name: string,
  body?: unknown,
  ids: unknown[] = [],
  query = "",
) {
  const [method = "", template = ""] = name.split(" ");
  const left = [...ids];
  const path = template.replaceAll(/\{\w+\}/g, () => String(left.shift())) + query;
  const answer = await (who ? who.api(method, path, body) : world.call(method, path, body));
  expect({ name, status: answer.status, body: answer.body }).toMatchObject({ name, status: 200 });
  expectDescribed(name, answer);
  done.add(name);
  return answer.body;
}

test("every operation on sign-in, keys and bots succeeds with 200 and what the document says", async () => {
  const ann = await world.person("ann");
  const credentials = { username: "john_doe", password: "correct horse battery" };
  await does(undefined, "POST /api/auth/register", { ...credentials, email: "john@example.com" });
  const { access_token } = await does(undefined, "POST /api/auth/login", credentials);
  const john = {
    api: (method: string, path: string, body?: unknown) =>
      world.call(method, path, body, { authorization: `Bearer ${access_token}` }),
  };
  const password = { current_password: credentials.password, new_password: "another battery" };
  await does(john, "POST /api/auth/password", password);
  const changed = { ...credentials, password: password.new_password };
  await does(undefined, "POST /api/auth/login", changed);
  const [session] = await does(john, "GET /api/auth/sessions");
  await does(john, "DELETE /api/auth/sessions/{session_id}", undefined, [session.id]);
  await does(john, "DELETE /api/auth/sessions");
  const tokens = await does(undefined, "POST /api/auth/login", changed);
  const { refresh_token } = await does(undefined, "POST /api/auth/refresh", {
    refresh_token: tokens.refresh_token,
  });
  await does(undefined, "POST /api/auth/logout", { refresh_token });
  const again = await world.call("POST", "/api/auth/login", changed);
  const leaving = {
    api: (method: string, path: string, body?: unknown) =>
      world.call(method, path, body, { authorization: `Bearer ${again.body.access_token}` }),
  };
  await does(leaving, "POST /api/auth/email", { email: "johnny@example.com" });
  const verifying = { token: tokenOf(await mailbox.mailTo("johnny@example.com")) };
  await does(undefined, "POST /api/auth/email/verify", verifying);
  await does(undefined, "POST /api/auth/password/forgot", { email: ann.email });
  const resetting = { token: tokenOf(await mailbox.mailTo(ann.email)), password: "a new battery" };
  await does(undefined, "POST /api/auth/password/reset", resetting);
  const key = { name: "Results", scopes: ["messages:write"], expires_at: "2999-01-01T00:00:00Z" };
  const { id: keyId } = await does(leaving, "POST /api/auth/keys", key);
  const { id: botId } = await does(leaving, "POST /api/bots", { username: "johns_bot" });
  await does(leaving, "POST /api/bots/{bot_id}/keys", key, [botId]);
  await does(leaving, "GET /api/auth/keys");
  await does(leaving, "GET /api/bots");
  await does(leaving, "DELETE /api/auth/keys/{key_id}", undefined, [keyId]);
  await does(leaving, "DELETE /api/bots/{bot_id}", undefined, [botId]);
  const { secret } = await does(leaving, "POST /api/auth/totp");
  const { recovery_codes: codes } = await does(leaving, "POST /api/auth/totp/confirm", {
    code: appCode(secret),
  });
  const { body: asked } = await world.call("POST", "/api/auth/login", changed);
  const login = { ticket: asked.ticket, code: codes[0] };
  await does(undefined, "POST /api/auth/login/totp", login);
  await does(leaving, "DELETE /api/auth/totp", { code: codes[1] });
  await does(leaving, "DELETE /api/auth/me", { password: changed.password, messages: "keep" });
});

test("every operation on signing in by a provider succeeds with what the document says", async () => {
  const emails = [{ email: "mona@example.com", primary: true, verified: true }];
  gitHub.accounts.set("mona", { id: 1, login: "mona", emails });
  const browser = new Browser("mona", [gitHub.url]);
  await does(undefined, "GET /api/auth/providers");
  const verifier = "a-verifier-that-only-this-client-knows-0123456789";
  const challenge = new Bun.CryptoHasher("sha256").update(verifier).digest("base64url");
  const begin = `${world.url}/api/auth/oauth/github?code_challenge=${challenge}`;
  const { url } = await browser.open(begin, ({ pathname }) => pathname.endsWith("/callback"));
  // The world does not listen on the port of its PUBLIC_URL.
  const back = await browser.fetch(`${world.url}${url.pathname}${url.search}`);
  const { code } = outcomeOf(new URL(back.headers.get("location") ?? ""));
  const input = { code, code_verifier: verifier };
  const { access_token } = await does(undefined, "POST /api/auth/oauth/token", input);
  const mona = {
    api: (method: string, path: string, body?: unknown) =>
      world.call(method, path, body, { authorization: `Bearer ${access_token}` }),
  };
  const [identity] = await does(mona, "GET /api/auth/identities");
  await does(mona, "POST /api/auth/identities/{identity}", undefined, ["github"]);
  const password = { current_password: null, new_password: "another battery" };
  await does(mona, "POST /api/auth/password", password);
  await does(mona, "DELETE /api/auth/identities/{identity}", undefined, [identity.id]);
  // Redirects are not JSON: test/world/contract.ts compares their headers.
  done.add("GET /api/auth/oauth/{provider}").add("GET /api/auth/oauth/{provider}/callback");
});

test("every other operation succeeds with 200 and what the document says", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const cat = await world.person("cat");
  await does(ann, "GET /api/auth/me");
  await does(ann, "PATCH /api/auth/me", {
    read_receipts: true,
    display_name: "Ann Lee",
    bio: "Optics",
  });
  await does(ann, "POST /api/auth/ws-ticket");
  await does(undefined, "GET /health");
  await does(undefined, "GET /ready");

  const people = { is_group: true, participant_usernames: [ben.username] };
  const { id } = await does(ann, "POST /api/chats", people);
  const chat = "/api/chats/{chat_id}";
  await does(ann, "GET /api/chats");
  await does(ann, `GET ${chat}`, undefined, [id]);
  await does(ann, `PATCH ${chat}`, { name: "Renamed", settings: { temperature: 1 } }, [id]);
  await does(ann, "GET /api/models");
  await does(ann, `POST ${chat}/invite`, { username: cat.username }, [id]);
  await does(ann, `GET ${chat}/participants`, undefined, [id]);
  await does(ann, `POST ${chat}/messages`, { content: "Hello!", client_id: "1" }, [id]);
  world.gemini.respondWith(answerAndHang(say("One moment")));
  const socket = await ann.joined(id);
  await does(ann, `POST ${chat}/messages`, { content: "/bot wait for me" }, [id]);
  const { message_id } = await socket.next("bot_stream");
  await does(ann, `GET ${chat}/messages`, undefined, [id]);
  const one = `${chat}/messages/{message_id}`;
  const hello = await does(ben, `POST ${chat}/messages`, { content: "Helo!" }, [id]);
  await does(ben, `PATCH ${one}`, { content: "Hello!", if_seq: hello.seq }, [id, hello.id]);
  await does(ann, `GET ${one}/versions`, undefined, [id, hello.id]);
  await does(ann, `DELETE ${one}`, undefined, [id, hello.id]);
  await does(ben, `GET ${one}`, undefined, [id, hello.id]);
  await does(ben, `POST ${one}/stop`, undefined, [id, message_id]);
  await does(ben, `GET ${one}/context`, undefined, [id, message_id]);
  await does(ben, `POST ${one}/regenerate`, undefined, [id, message_id]);
  const reaction = `${one}/reactions/{emoji}`;
  await does(ben, `PUT ${reaction}`, undefined, [id, message_id, "%F0%9F%91%8D"]);
  await does(ann, `DELETE ${reaction}`, undefined, [id, message_id, "%F0%9F%91%8D"]);
  const file = await does(ben, `POST ${chat}/attachments`, "a file", [id]);
  const filePath = `${chat}/attachments/{attachment_id}`;
  const sentFile = { content: "", attachment_ids: [file.id] };
  await does(ben, `POST ${chat}/messages`, sentFile, [id]);
  await does(ann, `GET ${chat}/attachments`, undefined, [id]);
  await does(ann, `POST ${filePath}/ticket`, undefined, [id, file.id]);
  const unsent = await does(ben, `POST ${chat}/attachments`, "a file", [id]);
  await does(ben, `DELETE ${filePath}`, undefined, [id, unsent.id]);
  const uploads = `${chat}/attachments/uploads`;
  const { upload_id } = await does(ben, `POST ${uploads}`, { name: "a.txt", size: 1 }, [id]);
  await does(ben, `PUT ${uploads}/{upload_id}`, 1, [id, `${upload_id}?offset=0`]);
  await does(ben, `GET ${uploads}/{upload_id}`, undefined, [id, upload_id]);
  await does(ben, `POST ${uploads}/{upload_id}/complete`, undefined, [id, upload_id]);
  const begun = await does(ben, `POST ${uploads}`, { name: "b.txt", size: 1 }, [id]);
  await does(ben, `DELETE ${uploads}/{upload_id}`, undefined, [id, begun.upload_id]);
  await does(ann, "DELETE /api/auth/me/avatar");
  await does(ann, `DELETE ${chat}/picture`, undefined, [id]);
  // Their bodies are files: test/attachments/ has them.
  done.add("PUT /api/auth/me/avatar").add("GET /api/users/{user_id}/avatar/{picture_id}");
  done.add(`PUT ${chat}/picture`).add(`GET ${chat}/picture/{picture_id}`);
  done.add(`GET ${filePath}`).add(`GET ${filePath}/thumbnails/{width}`);
  await does(ann, "GET /api/push/key");
  const pushing = { endpoint: "https://push.example.com/1", keys: pushKeys };
  const browser = await does(ann, "POST /api/push/subscriptions", pushing);
  await does(ann, "GET /api/push/subscriptions");
  const ofBrowser = "DELETE /api/push/subscriptions/{subscription_id}";
  await does(ann, ofBrowser, undefined, [browser.id]);
  const hook = await does(ann, `POST ${chat}/hooks`, { name: "Results" }, [id]);
  await does(undefined, "POST /hooks/{secret}", { text: "Built." }, [hook.url.split("/").at(-1)]);
  await does(ann, `GET ${chat}/hooks`, undefined, [id]);
  await does(ann, `DELETE ${chat}/hooks/{hook_id}`, undefined, [id, hook.id]);
  await does(ann, "GET /api/usage");
  await socket.close();
  await does(ben, "GET /api/chats");
  await does(ben, `PUT ${chat}/preferences`, { pinned: true }, [id]);
  await does(ben, `POST ${chat}/mark-read`, {}, [id]);
  await does(ben, `GET ${chat}/read-receipts`, undefined, [id]);
  await does(ann, `GET ${one}/readers`, undefined, [id, message_id]);
  await does(ben, "GET /api/users/search");
  const report = { reason: "It is rude." };
  const { id: reportId } = await does(ben, `POST ${one}/report`, report, [id, message_id]);
  await does(ann, `GET ${chat}/reports`, undefined, [id]);
  await does(ann, `POST ${chat}/reports/{report_id}/resolve`, undefined, [id, reportId]);
  await does(ann, `PATCH ${chat}/participants/{user_id}`, { role: "moderator" }, [id, ben.id]);
  for (const format of ["jsonl", "md", "html"]) {
    const exported = await ben.api("GET", `/api/chats/${id}/export?format=${format}`);
    expect([format, exported.status]).toEqual([format, 200]);
  }
  expect((await ben.api("GET", "/api/auth/me/export")).status).toBe(200);
  // Files are not JSON: test/world/contract.ts compares their headers and media types.
  done.add(`GET ${chat}/export`).add("GET /api/auth/me/export");
  await does(ben, "GET /api/users/{user_id}", undefined, [ann.id]);
  await does(ben, "PUT /api/users/{user_id}/block", undefined, [cat.id]);
  await does(ben, "GET /api/users/blocked");
  await does(ben, "DELETE /api/users/{user_id}/block", undefined, [cat.id]);
  await world.index();
  await does(ben, "GET /api/search", undefined, [], "?q=why&has=link&limit=1");
  const told = { url: "https://hooks.invalid/", events: ["chat.deleted"] };
  const { id: hookId } = await does(ann, `POST ${chat}/webhooks`, told, [id]);
  await does(ann, `GET ${chat}/webhooks`, undefined, [id]);
  await does(ann, "POST /api/webhooks", { ...told, events: ["mention"] });
  await does(ann, "GET /api/webhooks");
  const oneHook = "/api/webhooks/{webhook_id}";
  await does(ann, `GET ${oneHook}`, undefined, [hookId]);
  await does(ann, `PATCH ${oneHook}`, { events: ["message.created"] }, [hookId]);
  await does(ann, `POST ${oneHook}/secret`, {}, [hookId]);
  const { id: deliveryId } = await does(ann, `POST ${oneHook}/test`, undefined, [hookId]);
  await does(ann, `GET ${oneHook}/deliveries`, undefined, [hookId]);
  const again = `POST ${oneHook}/deliveries/{delivery_id}/redeliver`;
  await does(ann, again, undefined, [hookId, deliveryId]);
  await does(ann, `DELETE ${oneHook}`, undefined, [hookId]);
  await does(ben, `POST ${chat}/leave`, undefined, [id]);
  await does(ann, `DELETE ${chat}/participants/{user_id}`, undefined, [id, cat.id]);
  await does(ann, `DELETE ${chat}`, undefined, [id]);

  expect([...done].toSorted()).toEqual([...operations.keys()].toSorted());
});
