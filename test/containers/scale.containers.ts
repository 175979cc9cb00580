// Several servers behind nginx, with NATS between them: docker-compose.scale.yml.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { signUp, type Client } from "../world/process.ts";
import { openProject, type Project } from "./project.ts";

const files = ["-f", "docker-compose.yml", "-f", "docker-compose.scale.yml", "--profile", "scale"];

let project: Project;
let ada: Client;
let chatId: number;
beforeAll(async () => {
  project = openProject();
  await project.compose(...files, "up", "--build", "--wait", "--scale", "backend=3");
  ada = await signUp(project, "ada");
  const { body } = await ada.api(project, "POST", "/api/chats", { name: "Three", is_group: true });
  chatId = body.id;
});
afterAll(() => project.close());

test("three servers run, and none of them nor NATS is reachable from outside", async () => {
  const ids = (await project.compose(...files, "ps", "-q", "backend")).trim().split("\n");
  expect(ids).toHaveLength(3);
  for (const [service, port] of [
    ["backend", "8000"],
    ["nats", "4222"],
  ] as const) {
    const { code, output } = await project.docker("compose", ...files, "port", service, port);
    expect([service, code === 0 ? output.trim() : ""]).toEqual([service, ""]);
  }
});

test("a message reaches the sockets of all servers, also while NATS is away", async () => {
  const sockets = [];
  for (let n = 0; n < 9; n += 1) sockets.push(await ada.joined(project, chatId));
  for (const content of ["with it", "without it"]) {
    if (content === "without it") await project.compose(...files, "kill", "nats");
    sockets[0]?.send({ type: "message", chat_id: chatId, content });
    const seen = await Promise.all(sockets.map((socket) => socket.next("message", { content })));
    expect(seen).toHaveLength(9);
  }
});
