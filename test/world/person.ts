// A person who is registered and signed in to a world.
import { signAccessToken } from "../../src/accounts/access-tokens.ts";
import { insertSession } from "../../src/accounts/queries.ts";
import { insertUser } from "../../src/accounts/user-queries.ts";
import { Chat } from "../../src/wire/chats.ts";
import { TestSocket } from "./socket.ts";
import type { World } from "./world.ts";

interface Identity {
  id: number;
  username: string;
  email: string;
  token: string;
  sessionId: string;
}

const source = { address: "127.0.0.1", userAgent: null };

export class Person {
  readonly id: number;
  readonly username: string;
  readonly email: string;
  readonly token: string;
  readonly sessionId: string;
  readonly source = source;
  readonly #world: World;

  private constructor(world: World, { id, username, email, token, sessionId }: Identity) {
    this.#world = world;
    this.id = id;
    this.username = username;
    this.email = email;
    this.token = token;
    this.sessionId = sessionId;
  }

  /** Inserts the person and a session without the cost of a password hash, so nobody can sign in as this person again. */
  static async insert(world: World, username: string): Promise<Person> {
    const email = `${username}@example.com`;
    const hashedPassword = "none";
    const user = await insertUser(world.sql, { username, email, hashedPassword, source });
    const sessionId = crypto.randomUUID();
    await insertSession(world.sql, {
      id: sessionId,
      user,
      hashedPassword,
      source,
      refreshTokenHash: Buffer.alloc(32),
      ttlSeconds: 3_600,
    });
    const token = await signAccessToken(world.ctx, user, sessionId);
    return new Person(world, { id: user.id, username, email, token, sessionId });
  }

  api(method: string, path: string, body?: unknown) {
    return this.#world.call(method, path, body, { authorization: `Bearer ${this.token}` });
  }

  /** A socket that is open and signed in; a merged one gets the nested frames of the FastAPI server's clients. */
  async socket({ isMerged = false } = {}): Promise<TestSocket> {
    const form = isMerged ? "" : "&frames=flat";
    const socket = new TestSocket(this.#world.socketUrl(`?token=${this.token}${form}`));
    await socket.opened;
    // The server checks the token after the socket has opened.
    await socket.settle();
    return socket;
  }

  /** A socket that has joined a chat. */
  async joined(chatId: number, afterSeq?: number): Promise<TestSocket> {
    const socket = await this.socket();
    socket.send({ type: "join", chat_id: chatId, after_seq: afterSeq });
    await socket.next("joined", { chat_id: chatId });
    return socket;
  }

  async chat(
    more: { with?: { username: string }[]; [member: string]: unknown } = {},
  ): Promise<Chat> {
    const { with: others = [], ...body } = more;
    const { status, body: chat } = await this.api("POST", "/api/chats", {
      is_group: true,
      participant_usernames: others.map((other) => other.username),
      ...body,
    });
    if (status !== 200) throw new Error(JSON.stringify(chat));
    return Chat.parse(chat);
  }

  async say(chatId: number, content: string, clientId?: string) {
    const { body } = await this.api("POST", `/api/chats/${chatId}/messages`, {
      content,
      client_id: clientId,
    });
    return body;
  }
}
