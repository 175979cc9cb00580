// Several servers behind nginx, with NATS between them: docker-compose.scale.yml, by the last line of .env.example.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { client, type Client } from "../world/process.ts";
import { openProject, type Project } from "./project.ts";

let project: Project;
let ada: Client;
let chatId: number;
beforeAll(async () => {
  project = openProject();
  project.edit(".env", (text) => text.replace(/^#(?=COMPOSE_FILE=)/m, ""));
  await project.compose("up", "--build", "--wait", "--scale", "backend=3");
  const person = { username: "ada", password: "correct horse battery" };
  await post("/api/auth/register", { ...person, email: "ada@example.com" });
  const tokens = await post("/api/auth/login", person);
  ada = client(String(tokens.access_token), String(tokens.refresh_token));
  chatId = Number((await post("/api/chats", { name: "Three", is_group: true }, ada.token)).id);
});
afterAll(() => project.close());

/** nginx adds its name to the answers, which are therefore not held against the contract. */
async function post(path: string, body: object, token?: string) {
  const headers = {
    "content-type": "application/json",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  const answer: unknown = await (await Bun.fetch(project.url + path, init)).json();
  return z.record(z.string(), z.unknown()).parse(answer);
}

test("three servers run, and none of them nor NATS is reachable from outside", async () => {
  const ids = (await project.compose("ps", "-q", "backend")).trim().split("\n");
  expect(ids).toHaveLength(3);
  for (const [service, port] of [
    ["backend", "8000"],
    ["nats", "4222"],
  ] as const) {
    // Some versions of Compose fail for a port that is not published, others tell of port 0.
    const { output } = await project.docker("compose", "port", service, port);
    expect([service, output]).not.toEqual([service, expect.stringMatching(/:[1-9]\d*\s*$/)]);
  }
});

test("a message reaches the sockets of all servers, also while NATS is away", async () => {
  const sockets = [];
  for (let n = 0; n < 9; n += 1) sockets.push(await ada.joined(project, chatId));
  for (const content of ["with it", "without it"]) {
    if (content === "without it") await project.compose("kill", "nats");
    sockets[0]?.send({ type: "message", chat_id: chatId, content });
    const seen = await Promise.all(sockets.map((socket) => socket.next("message", { content })));
    expect(seen).toHaveLength(9);
  }
});
