import { expect, test } from "bun:test";
import { useWorld } from "../world/world.ts";
import { User } from "../../src/wire/users.ts";
import { TestSocket } from "../world/socket.ts";

const world = useWorld();

const password = "correct horse battery";

test("the documented usage flow works from register to a streamed answer, over HTTP and two sockets", async () => {
  const john = await world.call("POST", "/api/auth/register", {
    username: "john_doe",
    email: "john@example.com",
    password,
  });
  expect(john.status).toBe(200);
  expect(Object.keys(john.body)).toEqual(Object.keys(User.shape));
  const jane = await world.call("POST", "/api/auth/register", {
    username: "jane_doe",
    email: "jane@example.com",
    password,
  });
  expect(jane.status).toBe(200);

  const login = await world.call("POST", "/api/auth/login", { username: "john_doe", password });
  expect(login.status).toBe(200);
  expect(login.body).toMatchObject({ token_type: "bearer", expires_in: 1800 });
  const janeLogin = await world.call("POST", "/api/auth/login", { username: "jane_doe", password });
  const auth = { authorization: `Bearer ${login.body.access_token}` };
  const me = await world.call("GET", "/api/auth/me", undefined, auth);
  expect(me.body).toEqual(john.body);

  const chat = await world.call("POST", "/api/chats", { name: "Physics", is_group: true }, auth);
  expect(chat.status).toBe(200);
  expect(chat.body).toMatchObject({
    name: "Physics",
    is_group: true,
    is_ai_chat: false,
    owner_id: john.body.id,
    last_seq: 0,
  });
  const chatId = chat.body.id;
  const invited = await world.call(
    "POST",
    `/api/chats/${chatId}/invite`,
    { username: "jane_doe" },
    auth,
  );
  expect(invited.status).toBe(200);
  expect(invited.body.participant).toMatchObject({ username: "jane_doe", role: "member" });

  const johns = new TestSocket(world.socketUrl(`?token=${login.body.access_token}`));
  const janes = new TestSocket(world.socketUrl(`?token=${janeLogin.body.access_token}`));
  await johns.opened;
  await janes.opened;
  johns.send({ type: "join", chat_id: chatId });
  await johns.next("joined");
  janes.send({ type: "join", chat_id: chatId });
  await janes.next("joined");
  await johns.next("user_joined");

  johns.send({ type: "message", chat_id: chatId, content: "Hello!" });
  for (const socket of [johns, janes]) {
    const frame = await socket.next("message");
    expect(frame).toMatchObject({
      chat_id: chatId,
      username: "john_doe",
      content: "Hello!",
      is_bot: false,
      seq: 2,
    });
  }
  janes.send({ type: "message", chat_id: chatId, content: "/bot what is a quantum?" });
  for (const socket of [johns, janes]) {
    expect((await socket.next("message")).content).toBe("/bot what is a quantum?");
    let text = "";
    for (;;) {
      const frame = await socket.next("bot_stream");
      if (frame.is_complete) {
        expect(frame.full_response).toBe(text);
        expect(frame.status).toBe("complete");
        break;
      }
      expect(frame.offset).toBe(text.length);
      text += frame.chunk;
    }
    expect(text.length).toBeGreaterThan(10);
  }
  const history = await world.call("GET", `/api/chats/${chatId}/messages`, undefined, auth);
  expect(history.body.map((m: { seq: number }) => m.seq)).toEqual([2, 3, 4]);
  const chats = await world.call("GET", "/api/chats", undefined, auth);
  expect(chats.body[0]).toMatchObject({ id: chatId, unread_count: 2 });
});
