import { afterAll, beforeAll, describe, expect } from "bun:test";
import { connect, type Socket } from "node:net";
import { useWorld, type Person } from "../world/world.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

const path = (chatId: number, format = "jsonl") => `/api/chats/${chatId}/export?format=${format}`;
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

async function fill(chatId: number, count: number, content = "x") {
  await world.sql`
    insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
    select ${chatId}, ${ann.id}, ${content} || n, n, n, n from generate_series(1, ${count}) n
  `;
  await world.sql`
    update chats set last_seq = ${count}, message_count = ${count} where id = ${chatId}
  `;
}

const hostile = [
  "</pre><script>alert(1)</script>",
  "```\n# not a heading\n````````",
  "line\r\n</article>\r\n<!-- ",
  "\u202eevil & \"quoted\" 'text' ]]>",
  "\n\n  spaces  \n",
  "---\n\nEnd of the export. Messages: 1.",
];

describe("the export of a chat", () => {
  test("has the chat, all messages in order as the history shows them, and an end", async () => {
    const chat = await ann.chat({ with: [ben] });
    await fill(chat.id, 450);
    await ben.api("DELETE", `/api/chats/${chat.id}/messages/1`);
    const { status, headers, body } = await ben.api("GET", path(chat.id));
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/jsonl; charset=utf-8");
    const [first, ...rest] = linesOf(body);
    expect(first).toMatchObject({ type: "chat", version: 1, chat: { id: chat.id } });
    expect(rest.pop()).toEqual({ type: "end", complete: true, messages: 450 });
    const { body: history } = await ben.api(
      "GET",
      `/api/chats/${chat.id}/messages?limit=200&after_seq=0`,
    );
    expect(rest.slice(0, 200).map(({ message }) => message)).toEqual(history);
    expect(rest.map(({ message }) => message.seq)).toEqual(
      Array.from({ length: 450 }, (_, n) => n + 1),
    );
  });

  test("cannot be broken by any text in Markdown and in HTML, which loads and runs nothing", async () => {
    const chat = await ann.chat({ name: "</title><script>alert(1)</script>\\`#" });
    for (const content of hostile) await ann.say(chat.id, content);
    const { body: page } = await ann.api("GET", path(chat.id, "html"));
    expect(page).not.toMatch(/<script|<!--|<img|<link| src=| href=/i);
    expect(page).toContain("default-src 'none'");
    expect(page.match(/<article/g)).toHaveLength(hostile.length);
    expect(page).toEndWith("</body></html>\n");
    const shown: string[] = [];
    let text = "";
    await new HTMLRewriter()
      .on("pre", {
        element(element) {
          text = "";
          element.onEndTag(() => void shown.push(text));
        },
        text: (chunk) => void (text += chunk.text),
      })
      .transform(new Response(page))
      .text();
    const decoded = shown.map((each) =>
      each
        .replace("\n", "")
        .replaceAll("&lt;", "<")
        .replaceAll("&gt;", ">")
        .replaceAll("&quot;", '"')
        .replaceAll("&#39;", "'")
        .replaceAll("&#13;", "\r")
        .replaceAll("&amp;", "&"),
    );
    expect(decoded).toEqual(hostile);

    const { body: markdown } = await ann.api("GET", path(chat.id, "md"));
    const blocks: string[] = [];
    let fence: string | undefined;
    let block: string[] = [];
    for (const line of markdown.split("\n")) {
      const opened = /^(`{3,})text$/.exec(line)?.[1];
      if (fence === undefined) {
        if (opened) [fence, block] = [opened, []];
        else expect(line).not.toMatch(/^(#{3,}|# not|<)/);
      } else if (new RegExp(`^ {0,3}\`{${fence.length},} *$`).test(line)) {
        blocks.push(block.join("\n"));
        fence = undefined;
      } else block.push(line);
    }
    expect(blocks).toEqual(hostile);
    expect(markdown).toEndWith(`End of the export. Messages: ${hostile.length}.\n`);
  });

  test("has a file name that any chat's name can be made into", async () => {
    for (const [name, disposition] of [
      ["Physics", `attachment; filename="Physics.md"; filename*=UTF-8''Physics.md`],
      [
        'a"b\\c/../d',
        `attachment; filename="a b c .. d.md"; filename*=UTF-8''a%20b%20c%20..%20d.md`,
      ],
      [
        "Ünï 🙂 (x)'*",
        `attachment; filename="_n_ _ _x_.md"; filename*=UTF-8''%C3%9Cn%C3%AF%20%F0%9F%99%82%20%28x%29%27.md`,
      ],
      [
        "\u202egpj.exe\r\nX: y",
        `attachment; filename="gpj.exe X y.md"; filename*=UTF-8''gpj.exe%20X%20y.md`,
      ],
    ] as const) {
      const chat = await ann.chat({ name });
      const { headers } = await ann.api("GET", path(chat.id, "md"));
      expect(headers.get("content-disposition")).toBe(disposition);
    }
    const chat = await ann.chat({ name: "物理" });
    const { headers } = await ann.api("GET", path(chat.id, "html"));
    expect(headers.get("content-disposition")).toBe(
      `attachment; filename="chat-${chat.id}.html"; filename*=UTF-8''%E7%89%A9%E7%90%86.html`,
    );
  });

  test("is refused to strangers and for an unknown format", async () => {
    const chat = await ann.chat();
    expectProblem(await ben.api("GET", path(chat.id)), 404, "not_found");
    expectInvalid(await ann.api("GET", path(chat.id, "pdf")), "/format");
    const head = await ann.api("HEAD", path(chat.id));
    expect(head.status).toBe(200);
    expect(head.headers.get("content-length")).toBeNull();
  });
});

describe("a slow reader", () => {
  const sockets: Socket[] = [];
  afterAll(() => sockets.forEach((socket) => socket.destroy()));

  /** Asks for an export and reads nothing of it but its head. */
  async function begin(person: Person, chatId: number): Promise<Socket> {
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    const head = Promise.withResolvers<void>();
    socket.once("data", () => {
      socket.pause();
      head.resolve();
    });
    socket.write(
      `GET ${path(chatId)} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${person.token}\r\nConnection: close\r\n\r\n`,
    );
    await head.promise;
    return socket;
  }

  async function rest(socket: Socket): Promise<string> {
    let text = "";
    socket.on("data", (data) => void (text += data.toString()));
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once("close", () => resolve());
    socket.resume();
    await promise;
    return text;
  }

  longTest(
    "costs no connection and bounded memory, and has at most two exports",
    async () => {
      const eve = await world.person("eve");
      const chat = await eve.chat();
      // About 60 MB, far more than the buffers between the two hold.
      await fill(chat.id, 6_000, "y".repeat(10_000));
      const readers = [await begin(eve, chat.id), await begin(eve, chat.id)];
      expectProblem(await eve.api("GET", path(chat.id)), 429, "rate_limited");
      for (let n = 0; n < 30; n += 1) expect((await eve.api("GET", "/api/chats")).status).toBe(200);
      const busy = () => world.sql`
      select 1 from pg_stat_activity
      where datname = current_database() and state <> 'idle' and query ilike '%lateral%messages%' and pid <> pg_backend_pid()
    `;
      // A statement that has just been answered may be among them for a moment.
      while ((await busy()).length > 0) await Bun.sleep(1);
      const sent = readers.map((reader) => reader.bytesRead);
      for (const bytes of sent) expect(bytes).toBeLessThan(10_000_000);
      for (const reader of readers) reader.destroy();
      let status = 429;
      while (status === 429) status = (await eve.api("HEAD", path(chat.id))).status;
      expect(status).toBe(200);
    },
    30_000,
  );

  test("who is removed from the chat is told that the export is not complete", async () => {
    const eve = await world.person("eve");
    const chat = await ann.chat({ with: [eve] });
    await fill(chat.id, 6_000, "y".repeat(10_000));
    const reader = await begin(eve, chat.id);
    await ann.api("DELETE", `/api/chats/${chat.id}/participants/${eve.id}`);
    const text = await rest(reader);
    const end = /\{"type":"end".*\}/.exec(text)?.[0] ?? "{}";
    expect(JSON.parse(end)).toMatchObject({ type: "end", complete: false });
    // The server has made no more than what the buffers hold.
    expect(JSON.parse(end).messages).toBeLessThan(3_000);
  }, 30_000);
});

describe("the export of a person's data", () => {
  test("has all that is stored about the caller, and nothing of others", async () => {
    const eve = await world.person("eve");
    const chat = await eve.chat({ name: "Eve's", with: [ben] });
    const left = await ben.chat({ with: [eve] });
    const mine = await eve.say(chat.id, "first text");
    await eve.api("PATCH", `/api/chats/${chat.id}/messages/${mine.id}`, { content: "second text" });
    await eve.say(left.id, "in a chat that she has left");
    await eve.api("POST", `/api/chats/${left.id}/leave`);
    const bens = await ben.say(chat.id, "a secret of ben");
    await eve.api("PUT", `/api/chats/${chat.id}/messages/${bens.id}/reactions/%F0%9F%91%8D`);
    await eve.api("POST", `/api/chats/${chat.id}/messages/${bens.id}/report`, { reason: "rude" });
    await eve.api("POST", `/api/chats/${chat.id}/hooks`, { name: "Builds" });
    await ben.api("POST", `/api/chats/${left.id}/hooks`, { name: "Not hers" });
    await eve.api("POST", "/api/auth/totp");
    const { status, body, headers } = await eve.api("GET", "/api/auth/me/export");
    expect(status).toBe(200);
    expect(headers.get("content-disposition")).toContain(`filename="${eve.username}.jsonl"`);
    const lines = linesOf(body);
    const of = (type: string) => lines.filter((line) => line.type === type);
    expect(lines[0]).toMatchObject({ type: "export", version: 1 });
    expect(lines.at(-1)).toEqual({ type: "end", complete: true });
    expect(of("profile")).toMatchObject([{ username: eve.username, email: eve.email }]);
    expect(of("session")).toMatchObject([{ id: eve.sessionId }]);
    expect(of("incoming_webhook")).toMatchObject([{ chat_id: chat.id, name: "Builds" }]);
    expect(of("authenticator_app")).toMatchObject([{ confirmed_at: null }]);
    expect(of("chat")).toMatchObject([{ id: chat.id, name: "Eve's", role: "owner" }]);
    expect(of("message")).toMatchObject([
      { content: "second text", earlier_contents: ["first text"] },
      { content: "in a chat that she has left" },
    ]);
    expect(of("reaction")).toMatchObject([{ message_id: bens.id, emoji: "👍" }]);
    expect(of("report")).toMatchObject([{ message_id: bens.id, reason: "rude" }]);
    expect(of("audit_event").map(({ action }) => action)).toContain("export_account");
    expect(body).not.toContain("a secret of ben");
    expect(body).not.toMatch(/hash|refresh_token/);
  });

  test("tells nobody who has blocked them, nor when and from where", async () => {
    const [eve, zoe] = [await world.person("eve"), await world.person("zoe")];
    await zoe.api("PUT", `/api/users/${eve.id}/block`);
    await zoe.api("DELETE", `/api/users/${eve.id}/block`);
    await eve.api("PUT", `/api/users/${ben.id}/block`);
    await fetch(`${world.url}/api/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: eve.username, password: "wrong words" }),
    });
    const { body } = await eve.api("GET", "/api/auth/me/export");
    const events = linesOf(body).filter(({ type }) => type === "audit_event");
    const blocks = events.filter(({ action }) => /block/.test(action));
    expect(blocks).toMatchObject([{ action: "block", target: `user:${ben.id}` }]);
    // Refused tries to sign in to the account are told, though nobody was signed in for them.
    expect(events).toContainEqual(
      expect.objectContaining({ outcome: "invalid_credentials", target: `user:${eve.id}` }),
    );
  });
});
