// Secrets that are nobody's, each another one, and all the places where somebody may put one.
import type { Client, ServerProcess } from "../../world/process.ts";
import { TestSocket } from "../../world/socket.ts";

/** The canaries by the place where each is put. */
export const canaries = new Map<string, string>();
/** The error messages that people received. */
export const told: string[] = [];

/** As long as a secret of ours; each is another one. */
export function canary(place: string): string {
  const made = `canary-${crypto.randomUUID().replaceAll("-", "")}${canaries.size}`.padEnd(43, "x");
  canaries.set(`${place} ${canaries.size}`, made);
  return made;
}

/** In the shape of an access token. */
const jwt = (place: string) => `eyJhbGciOiJIUzI1NiJ9.${canary(place)}.${canary(place)}`;
/** In the shape of a refresh token. */
const refreshToken = (place: string) => `${crypto.randomUUID()}.${canary(place)}`;

const json = { "content-type": "application/json" };

function askerOf(server: ServerProcess, person: Client) {
  async function send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Uint8Array,
  ): Promise<void> {
    const response = await fetch(server.url + path, { method, headers, body, redirect: "manual" });
    const text = await response.text();
    if (response.status >= 400) told.push(`${method} ${response.status} ${text}`);
  }
  return {
    send,
    post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      send("POST", path, { ...json, ...headers }, JSON.stringify(body)),
    authorization: `Bearer ${person.token}`,
  };
}
type Asker = ReturnType<typeof askerOf>;

async function plantInHeaders({ send, post }: Asker) {
  for (const scheme of [
    "Bearer ",
    "bearer ",
    "Basic ",
    "Token ",
    "Digest token=",
    "",
    "Bearer  x ",
  ]) {
    const authorization = `${scheme}${jwt(`Authorization: ${scheme}`)}`;
    await send("GET", "/api/auth/me", { authorization });
    await send("POST", "/api/auth/ws-ticket", { authorization });
    await send("GET", "/ws", { authorization });
  }
  const basic = btoa(`anna:${canary("Basic's password")}`);
  canaries.set("Basic as it is sent", basic);
  await send("GET", "/api/chats", { authorization: `Basic ${basic}` });
  for (const name of ["cookie", "x-access-token", "x-api-key", "proxy-authorization", "referer"]) {
    await send("GET", "/api/auth/me", { [name]: `token=${jwt(name)}` });
  }
  for (const id of [jwt("X-Request-Id"), refreshToken("X-Request-Id")]) {
    await send("GET", "/api/auth/me", { "x-request-id": id });
  }
  await post("/api/auth/login", {}, { "content-type": `text/${canary("Content-Type")}` });
}

async function plantInAddresses({ send, post, authorization }: Asker, chatId: number) {
  for (const name of ["token", "access_token", "ticket", "api_key", "password"]) {
    for (const path of ["/api/auth/me", "/api/nowhere", "/health", "/ws", "/docs", "/"]) {
      await send("GET", `${path}?${name}=${jwt(`?${name}= of ${path}`)}`, {});
    }
  }
  const history = `/api/chats/${chatId}/messages`;
  for (const name of ["limit", "before_seq"]) {
    await send("GET", `${history}?${name}=${canary(`?${name}=`)}`, { authorization });
  }
  await send("GET", `/api/usage?days=${canary("?days=")}`, { authorization });
  for (const path of [
    "/",
    "/api/",
    "/ws/",
    "/hooks/",
    "/reset/",
    "/api/chats/",
    "/docs/assets/",
    "/page/",
  ]) {
    await send("GET", path + jwt(`the path ${path}`), { authorization });
    await send("DELETE", path + canary(`the path ${path}`), { authorization });
  }
  for (const url of [
    `https://hooks.invalid/${canary("a webhook's address")}`,
    canary("no address"),
  ])
    await post(`/api/chats/${chatId}/webhooks`, { url, events: ["none"] }, { authorization });
  const hook = canary("the address of a webhook").slice(0, 43);
  canaries.set("the address of a webhook as it is sent", hook);
  await post(`/hooks/${hook}`, { text: "Built." });
  await send("GET", `/hooks/${hook}`, {});
}

async function plantInBodies({ send, post, authorization }: Asker) {
  const person = (place: string) => ({
    username: "anna",
    email: "anna@example.com",
    password: canary(place),
  });
  await post("/api/auth/register", person("the password of a name that is taken"));
  await post("/api/auth/register", {
    ...person("the password of an invalid person"),
    email: "none",
  });
  await post("/api/auth/register", {
    ...person("an invalid password"),
    password: [canary("a password in a list")],
  });
  await post("/api/auth/register", {
    username: canary("a password as a name"),
    email: canary("a password as an email"),
  });
  await post("/api/auth/login", person("a wrong password"));
  await post("/api/auth/login", {
    username: canary("login's username"),
    password: canary("login's password"),
  });
  await post("/api/auth/login", {
    username: "anna",
    password: `${canary("a password with U+0000")}\0`,
  });
  await post("/api/auth/login", {
    username: "anna",
    password: canary("a long password").repeat(50),
  });
  for (const path of ["/api/auth/refresh", "/api/auth/logout"]) {
    for (const token of [refreshToken(path), jwt(path), canary(path)]) {
      await post(path, { refresh_token: token });
      await post(path, { refresh_token: { token } });
      await post(path, token);
    }
    await post(path, {}, { authorization: `Bearer ${jwt(`${path}'s Authorization`)}` });
  }
  const broken = [
    (secret: string) => `{"password":"${secret}`,
    (secret: string) => `{"password":"${secret}"}}`,
    (secret: string) => `password=${secret}`,
    (secret: string) => `{"password":"${secret}\\ud800"}`,
    (secret: string) => `"${secret}"`,
    (secret: string) => secret.repeat(10_000),
    (secret: string) => Uint8Array.from([...Buffer.from(`{"password":"${secret}`), 0xff]),
  ];
  for (const [n, make] of broken.entries()) {
    for (const path of ["/api/auth/login", "/api/auth/refresh", "/api/chats"]) {
      await send("POST", path, { ...json, authorization }, make(canary(`broken JSON ${n}`)));
      await send(
        "POST",
        path,
        { "content-type": "application/x-www-form-urlencoded" },
        make(canary(`a form ${n}`)),
      );
    }
  }
}

async function plantInSockets(server: ServerProcess, person: Client) {
  const url = `${server.url.replace("http", "ws")}/ws`;
  const collect = async (socket: TestSocket) => {
    const { reason } = await socket.closed;
    told.push(reason, ...socket.frames.map((frame) => JSON.stringify(frame)));
  };
  for (const make of [jwt, canary, refreshToken]) {
    await collect(new TestSocket(`${url}?token=${make("a socket's address")}`));
    const header = make("a socket's Authorization");
    const [byHeader, byProtocol, byFrame] = [
      new TestSocket(url, {
        authorization: `Bearer ${header}`,
        cookie: `token=${make("a socket's cookie")}`,
      }),
      new TestSocket(url, { "sec-websocket-protocol": `bearer, ${make("a socket's protocol")}` }),
      new TestSocket(url),
    ];
    for (const socket of [byHeader, byProtocol, byFrame]) await socket.opened;
    byHeader.send({ type: "ping" });
    byProtocol.send({ type: "join", chat_id: 1, token: make("another frame's token") });
    byFrame.ws.send(`{"type":"auth","token":"${make("a broken auth frame")}`);
    byFrame.ws.send(new TextEncoder().encode(make("bytes")));
    byFrame.send({ type: "auth", token: [make("an auth frame's token in a list")] });
    byFrame.send({ type: make("a frame's type"), request_id: 1 });
    byFrame.send({ type: "auth", token: make("an auth frame") });
    await Promise.all([byHeader, byProtocol, byFrame].map(collect));
  }
  const renewing = new TestSocket(`${url}?token=${person.token}`);
  await renewing.opened;
  for (const make of [jwt, canary])
    renewing.send({ type: "auth", token: make("a renewing auth frame") });
  renewing.send({ type: "join", chat_id: canary("a chat's id") });
  renewing.ws.close(1000, canary("a closing reason"));
  // The reason is the client's own.
  await renewing.closed;
  told.push(...renewing.frames.map((frame) => JSON.stringify(frame)));
}

/** Asks the server for anything, with a secret wherever there is room for one. */
export async function plantEverywhere(server: ServerProcess, person: Client, chatId: number) {
  const asker = askerOf(server, person);
  await plantInHeaders(asker);
  await plantInAddresses(asker, chatId);
  await plantInBodies(asker);
  await plantInSockets(server, person);
}
