// Messages that take files.
import { expect, test } from "bun:test";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";
import { download, send, uploaded } from "./files.ts";

const world = useWorld({ durations: { purgeMs: 5 } });

async function chatOfTwo() {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const { id: chatId } = await ann.chat({ with: [ben] });
  const upload = (who: Person, text: string = crypto.randomUUID()) =>
    uploaded(world, who, chatId, text, { name: "a.txt" });
  const say = (who: Person, body: object) =>
    who.api("POST", `/api/chats/${chatId}/messages`, { content: "here", ...body });
  return { ann, ben, chatId, upload, say };
}

test("the files of a message are in its frame, in history, in a replay and in the message itself, in order", async () => {
  const { ann, ben, chatId, upload, say } = await chatOfTwo();
  const socket = await ben.joined(chatId);
  const files = [await upload(ann), await upload(ann), await upload(ann)].toReversed();
  const { body: message } = await say(ann, { attachment_ids: files.map(({ id }) => id) });
  expect(message.attachments).toEqual(files);
  expect(await socket.next("message")).toMatchObject({ attachments: files });
  const history = await ben.api("GET", `/api/chats/${chatId}/messages`);
  expect(history.body.at(-1).attachments).toEqual(files);
  // The order of the members is that of the document.
  expect(JSON.stringify(history.body.at(-1))).toBe(JSON.stringify(message));
  const one = await ben.api("GET", `/api/chats/${chatId}/messages/${message.id}`);
  expect(one.body).toEqual(message);
  const replayed = await ben.socket();
  replayed.send({ type: "join", chat_id: chatId, after_seq: 0 });
  expect(await replayed.next("message", { message_id: message.id })).toMatchObject({
    attachments: files,
  });
});

test("a socket sends files, and their names stand where a message without text is previewed", async () => {
  const { ann, ben, chatId, upload } = await chatOfTwo();
  const socket = await ann.joined(chatId);
  const watching = await ben.socket();
  const file = await upload(ann);
  const ack = await socket.ask({
    type: "message",
    chat_id: chatId,
    content: "",
    attachment_ids: [file.id],
  });
  expect(ack.type).toBe("ack");
  expect(await watching.next("chat_activity")).toMatchObject({ last_message: "a.txt" });
  const { body: chats } = await ben.api("GET", "/api/chats");
  expect(chats[0].last_message).toBe("a.txt");
});

test("a file is taken once, by its uploader, in its chat; otherwise nothing is stored", async () => {
  const { ann, ben, chatId, upload, say } = await chatOfTwo();
  const other = await ann.chat();
  const [file, second] = [await upload(ann), await upload(ann)];
  const elsewhere = await uploaded(world, ann, other.id, "elsewhere");
  const refused = async (who: Person, ids: number[]) => {
    expectInvalid(await say(who, { attachment_ids: ids }), "/attachment_ids");
  };
  await refused(ben, [file.id]);
  await refused(ann, [elsewhere.id]);
  await refused(ann, [file.id, file.id]);
  await refused(ann, [file.id, 999_999_999]);
  expectInvalid(
    await say(ann, { attachment_ids: Array.from({ length: 11 }, (_, n) => n + 1) }),
    "/attachment_ids",
  );
  expect((await say(ann, { attachment_ids: [second.id, file.id] })).status).toBe(200);
  await refused(ann, [file.id]);
  const { body: history } = await ann.api("GET", `/api/chats/${chatId}/messages`);
  expect(history.length).toBe(1);
  expect(history[0].seq).toBe(history[0].updated_seq);
});

test("of many messages at once that want the same file one gets it", async () => {
  const { ann, upload, say } = await chatOfTwo();
  const [file, other] = [await upload(ann), await upload(ann)];
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      say(ann, { attachment_ids: n % 2 ? [file.id] : [other.id, file.id] }),
    ),
  );
  expect(answers.filter(({ status }) => status === 200).length).toBe(1);
  expect(answers.filter(({ status }) => status === 422).length).toBe(19);
});

test("a retry returns the message, and is refused with other files", async () => {
  const { ann, upload, say } = await chatOfTwo();
  const [file, other] = [await upload(ann), await upload(ann)];
  const sent = { client_id: "once", attachment_ids: [file.id] };
  const { body: first } = await say(ann, sent);
  expect((await say(ann, sent)).body).toEqual(first);
  for (const ids of [[], [other.id], [file.id, other.id]]) {
    const answer = await say(ann, { ...sent, attachment_ids: ids });
    expectProblem(answer, 409, "client_id_reused");
  }
  expect((await say(ann, { attachment_ids: [other.id] })).status).toBe(200);
});

test("an edit keeps the files, and a deletion deletes them", async () => {
  const { ann, ben, chatId, upload, say } = await chatOfTwo();
  const file = await upload(ann);
  const { body: message } = await say(ann, { attachment_ids: [file.id] });
  const path = `/api/chats/${chatId}/messages/${message.id}`;
  const edited = await ann.api("PATCH", path, { content: "changed" });
  expect(edited.body).toMatchObject({ content: "changed", attachments: [file] });
  expect((await download(world, ben, file.url)).status).toBe(200);
  expect((await ann.api("DELETE", path)).body.attachments).toEqual([]);
  expect((await download(world, ben, file.url)).status).toBe(404);
  const keys = () => world.sql`select key from file_removals`;
  while ((await keys()).length > 0) await Bun.sleep(1);
  const rows = await world.sql`select from stored_files where chat_id = ${chatId}`;
  expect(rows.length).toBe(0);
});

test("the text beside files can be edited to nothing, and to a question without words, which needs a reply otherwise", async () => {
  const { ann, ben, chatId, upload, say } = await chatOfTwo();
  const pathOf = ({ id }: { id: number }) => `/api/chats/${chatId}/messages/${id}`;
  const socket = await ben.joined(chatId);
  const file = await upload(ann);
  const { body: captioned } = await say(ann, { attachment_ids: [file.id] });
  const { body: plain } = await say(ann, {});
  const { body: reply } = await say(ann, { reply_to: plain.id });
  const { status, body } = await ann.api("PATCH", pathOf(captioned), { content: "" });
  expect(status).toBe(200);
  expect(body).toMatchObject({ content: "", attachments: [file] });
  expect(await socket.next("message_updated")).toMatchObject({ content: "", attachments: [file] });
  const versions = await ben.api("GET", `${pathOf(captioned)}/versions`);
  expect(versions.body).toMatchObject([{ content: "here" }, { content: "" }]);
  for (const message of [captioned, reply]) {
    const edit = await ann.api("PATCH", pathOf(message), { content: "/bot" });
    expect(edit.body.content).toBe("/bot");
  }
  for (const message of [plain, reply]) {
    expectInvalid(await ann.api("PATCH", pathOf(message), { content: "" }), "/content");
  }
  expectInvalid(await ann.api("PATCH", pathOf(plain), { content: "/bot" }), "/content");
  expectInvalid(await ann.api("PATCH", pathOf(captioned), { content: " " }), "/content");
});

test("a file of two messages stays until both are deleted", async () => {
  const { ann, ben, chatId, upload, say } = await chatOfTwo();
  const [first, second] = [await upload(ann, "shared"), await upload(ben, "shared")];
  const { body: mine } = await say(ann, { attachment_ids: [first.id] });
  const { body: theirs } = await say(ben, { attachment_ids: [second.id] });
  await ann.api("DELETE", `/api/chats/${chatId}/messages/${mine.id}`);
  expect((await download(world, ann, second.url)).status).toBe(200);
  await ben.api("DELETE", `/api/chats/${chatId}/messages/${theirs.id}`);
  expect((await download(world, ann, second.url)).status).toBe(404);
});

test("a question to the model has files, and its answer has none", async () => {
  const { ann, upload, say } = await chatOfTwo();
  const file = await upload(ann);
  const question = await say(ann, { content: "/bot what is this?", attachment_ids: [file.id] });
  expect(question.body.attachments).toEqual([file]);
  expectInvalid(
    await say(ann, { content: "/bot and this?", attachment_ids: [file.id] }),
    "/attachment_ids",
  );
});

test("in an AI chat a file alone is a question", async () => {
  const ann = await world.person("ann");
  const { id: chatId } = await ann.chat({ is_group: false, is_ai_chat: true });
  const socket = await ann.joined(chatId);
  const file = await uploaded(world, ann, chatId, "a file");
  const path = `/api/chats/${chatId}/messages`;
  const sent = await ann.api("POST", path, { content: "", attachment_ids: [file.id] });
  expect(sent.body).toMatchObject({ content: "", attachments: [file] });
  expect(await socket.next("bot_stream", { is_complete: true })).toMatchObject({
    status: "complete",
  });
  expectInvalid(await ann.api("POST", path, { content: "" }), "/content");
});

test("what was not sent is seen and deleted by its uploader alone, what was sent goes with its message", async () => {
  const { ann, ben, chatId, upload, say } = await chatOfTwo();
  const file = await upload(ann);
  const path = `/api/chats/${chatId}/attachments/${file.id}`;
  expectProblem(await ben.api("DELETE", path), 404, "not_found");
  expect((await download(world, ann, file.url)).status).toBe(200);
  expect((await ann.api("DELETE", path)).status).toBe(200);
  expectProblem(await ann.api("DELETE", path), 404, "not_found");
  const sent = await upload(ann);
  await say(ann, { attachment_ids: [sent.id] });
  const sentPath = `/api/chats/${chatId}/attachments/${sent.id}`;
  expectProblem(await ann.api("DELETE", sentPath), 409, "attachment_sent");
  expect((await send(world, ben, "GET", sent.url)).status).toBe(200);
});

test("the gallery has the files of messages, newest first, page by page and by kind", async () => {
  const { ann, ben, chatId, upload, say } = await chatOfTwo();
  const files = [];
  for (let n = 0; n < 4; n += 1) {
    const two = [await upload(ann), await upload(ann)];
    await say(ann, { attachment_ids: two.map(({ id }) => id) });
    files.push(...two);
  }
  await upload(ben);
  const seen: number[] = [];
  let cursor = "";
  do {
    const page = await ben.api("GET", `/api/chats/${chatId}/attachments?limit=3${cursor}`);
    expect(page.status).toBe(200);
    seen.push(
      ...page.body.items.map(({ attachment }: { attachment: { id: number } }) => attachment.id),
    );
    cursor = page.body.next_cursor === null ? "" : `&cursor=${page.body.next_cursor}`;
  } while (cursor !== "");
  expect(seen).toEqual(files.map(({ id }) => id).toReversed());
  const images = await ben.api("GET", `/api/chats/${chatId}/attachments?kind=image`);
  expect(images.body).toEqual({ items: [], next_cursor: null });
  for (const bad of ["kind=none", "cursor=x", "cursor=1.1.1", "limit=0", "limit=101"]) {
    expectProblem(await ben.api("GET", `/api/chats/${chatId}/attachments?${bad}`), 422, "invalid");
  }
});
