// docker-compose.dev.yml: an edit is live, and the sockets come back.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { signUp } from "../world/process.ts";
import { openProject, type Project } from "./project.ts";

const files = ["-f", "docker-compose.yml", "-f", "docker-compose.dev.yml"];
const pollMs = 20;
const liveMsMax = 30_000;

let project: Project;
beforeAll(async () => {
  project = openProject();
  await project.compose(...files, "up", "--build", "--wait");
});
afterAll(() => project.close());

test("an edit of the source is live without a build, and sockets are told to come back", async () => {
  const ada = await signUp(project, "ada");
  const { body: chat } = await ada.api(project, "POST", "/api/chats", {
    name: "Lab",
    is_group: true,
  });
  const socket = await ada.joined(project, chat.id);
  const said = () =>
    fetch(`${project.url}/nowhere`).then(
      (response) => response.text(),
      () => "",
    );
  expect(await said()).toContain("There is no GET /nowhere.");

  const editedAt = performance.now();
  project.edit("src/http/not-found.ts", (text) =>
    text.replace("There is no ${", "There has never been ${"),
  );
  while (!(await said()).includes("There has never been GET /nowhere.")) {
    if (performance.now() - editedAt > liveMsMax) throw new Error("the edit never became live");
    await Bun.sleep(pollMs);
  }
  console.log(`an edit is live after ${(performance.now() - editedAt).toFixed(0)} ms`);
  expect((await socket.closed).code).toBe(1012);
  const back = await ada.joined(project, chat.id, 0);
  await back.close();
});
