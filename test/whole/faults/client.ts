// A client that stays in its rooms whatever happens: it opens its socket again, and joins after what it has.
import { backoffMs } from "./backoff.ts";
import { Frame, type Tape } from "./history.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";

const reconnectMsMax = 60;
const rejoinMsMax = 120;
const replyMsMax = 25_000;
/** Frames whose number is not the position of a room. */
const aside = new Set(["chat_activity", "mention"]);

/** A room that the socket hears, or has asked to. */
interface Hearing {
  joined: boolean;
  /** Whether the client was told of its own removal, and of nothing since. */
  removed: boolean;
  /** Its person was invited after it asked: if it is told of a removal, that one is over. */
  invited: boolean;
}

export type Client = ReturnType<typeof openClient>;

export function openClient({
  name,
  person,
  chatIds,
  watchedIds,
  random,
  onReconnect,
}: {
  name: string;
  person: Person;
  chatIds: number[];
  /** The people whose presence it watches. */
  watchedIds: readonly number[];
  random: Random;
  onReconnect: () => void;
}) {
  const tape: Tape = { name, userId: person.id, events: [] };
  const positions = new Map(chatIds.map((chatId) => [chatId, 0]));
  const rooms = new Map<number, Hearing>();
  const running = new Map<number, number>();
  const answers = new Map<number, number>();
  const waiting = new Map<string, (reply: Frame | undefined) => void>();
  let watches: { chatId: number; number: number; resolve: () => void }[] = [];
  let overdue: ReturnType<typeof setTimeout> | undefined;
  let ws: WebSocket | undefined;
  let isOpen = false;
  let socket = 0;
  let requests = 0;
  let stopped = false;
  /** The status that it has claimed for its person, on this socket. */
  let claimed = "online";
  let lostAt: number | undefined;
  /** The statuses that this socket was told. */
  const shown = new Map<number, string>();
  /** Connections that broke, or did not open, since one was open for the last time. */
  let failures = 0;

  const position = (chatId: number) => positions.get(chatId) ?? 0;

  function open() {
    const opening = new WebSocket(person.socketUrl);
    ws = opening;
    socket += 1;
    opening.onopen = () => {
      if (ws !== opening) return;
      isOpen = true;
      failures = 0;
      tape.events.push({ at: performance.now(), socket, kind: "opened" });
      claimed = "online";
      void watch();
      for (const chatId of chatIds) void join(chatId);
    };
    opening.onmessage = ({ data }) => {
      if (ws === opening) hear(Frame.parse(JSON.parse(String(data))));
    };
    opening.onclose = () => lost(opening);
    opening.onerror = () => undefined;
  }

  function lost(closed: WebSocket) {
    if (ws !== closed) return;
    ws = undefined;
    if (isOpen) tape.events.push({ at: performance.now(), socket, kind: "closed" });
    isOpen = false;
    rooms.clear();
    shown.clear();
    lostAt = performance.now();
    clearTimeout(overdue);
    for (const resolve of waiting.values()) resolve(undefined);
    waiting.clear();
    if (stopped) return;
    onReconnect();
    failures += 1;
    setTimeout(() => stopped || open(), random.int(1, backoffMs(reconnectMsMax, failures)));
  }

  function hear(frame: Frame) {
    tape.events.push({ at: performance.now(), socket, kind: "in", frame });
    if (frame.request_id !== undefined) replied(frame.request_id, frame);
    const { chat_id: chatId } = frame;
    if (frame.type === "presence") {
      for (const { user_id: userId, status } of frame.users ?? []) shown.set(userId, status);
    }
    if (frame.type === "bot_stream" && frame.answer_to != null && frame.message_id !== undefined) {
      answers.set(frame.answer_to, frame.message_id);
    }
    if (frame.type === "bot_stream" && frame.message_id !== undefined && chatId !== undefined) {
      if (frame.is_complete) running.delete(frame.message_id);
      else running.set(frame.message_id, chatId);
    }
    const room = chatId === undefined ? undefined : rooms.get(chatId);
    if (!room || chatId === undefined || aside.has(frame.type)) return;
    if (frame.type === "joined") {
      room.joined = true;
      reach(chatId, frame.last_seq ?? 0);
    }
    const number = frame.updated_seq ?? frame.seq;
    // Replayed frames are counted when `joined` arrives.
    if (!room.joined || number === undefined || frame.type === "ack") return;
    reach(chatId, number);
    room.removed = frame.type === "participant_removed" && frame.user_id === person.id;
    if (room.removed && room.invited) {
      rooms.delete(chatId);
      void join(chatId);
    }
  }

  function reach(chatId: number, number: number) {
    positions.set(chatId, Math.max(position(chatId), number));
    const isReached = (watch: { chatId: number; number: number }) =>
      watch.number <= position(watch.chatId);
    for (const watch of watches.filter(isReached)) watch.resolve();
    watches = watches.filter((watch) => !isReached(watch));
  }

  /** @returns its reply, undefined when the socket was lost before */
  async function request(frame: Omit<Frame, "request_id">): Promise<Frame | undefined> {
    if (!ws || !isOpen) return undefined;
    requests += 1;
    const requestId = `${name}-${requests}`;
    const sent = { ...frame, request_id: requestId };
    const { promise, resolve } = Promise.withResolvers<Frame | undefined>();
    if (waiting.size === 0) awaitReply();
    waiting.set(requestId, resolve);
    tape.events.push({ at: performance.now(), socket, kind: "out", frame: sent });
    ws.send(JSON.stringify(sent));
    return await promise;
  }

  function replied(requestId: string, reply: Frame) {
    waiting.get(requestId)?.(reply);
    waiting.delete(requestId);
    clearTimeout(overdue);
    if (waiting.size > 0) awaitReply();
  }

  /**
   * Cuts the socket, as clients do, when no reply comes for long: a second join on it would be answered twice. A request waits for
   * those before it, so that each reply is a reason to wait on.
   */
  function awaitReply() {
    overdue = setTimeout(cut, replyMsMax);
  }

  function cut() {
    const cutting = ws;
    if (!cutting) return;
    cutting.terminate();
    lost(cutting);
  }

  async function join(chatId: number): Promise<void> {
    if (!isOpen || rooms.has(chatId)) return;
    const asked = ws;
    const room: Hearing = { joined: false, removed: false, invited: false };
    rooms.set(chatId, room);
    const reply = await request({ type: "join", chat_id: chatId, after_seq: position(chatId) });
    if (ws !== asked || room.joined) return;
    rooms.delete(chatId);
    if (reply?.code === "not_found" && !room.invited) return;
    await Bun.sleep(random.int(1, rejoinMsMax));
    if (ws === asked) await join(chatId);
  }

  /** Asks for the presence of people until this socket watches them. */
  async function watch(): Promise<void> {
    if (!isOpen || watchedIds.length === 0) return;
    const asked = ws;
    const reply = await request({ type: "watch_presence", user_ids: [...watchedIds] });
    if (reply?.type === "ack" || ws !== asked) return;
    await Bun.sleep(random.int(1, rejoinMsMax));
    if (ws === asked) await watch();
  }

  open();
  return {
    tape,
    chatIds,
    person,
    request,
    shown,
    get claimed() {
      return claimed;
    },
    /** When its connection was lost, if it does not come back. */
    get lostAt() {
      return stopped && !ws ? lostAt : undefined;
    },
    /** Claims its person to be something. @returns whether that was acknowledged, and holds */
    async claim(status: string): Promise<boolean> {
      const asked = ws;
      const reply = await request({ type: "presence", status });
      if (reply?.type !== "ack" || ws !== asked) return false;
      claimed = status;
      return true;
    },
    /** It does not come back when its connection is lost. */
    retire() {
      stopped = true;
    },
    /** The answers that it takes for running, and their chats. */
    running,
    /** The answers that it has seen begin, by their questions. */
    answers,
    /** Its person was invited to a chat, for certain. */
    invited(chatId: number) {
      const room = rooms.get(chatId);
      if (room && !room.removed) room.invited = true;
      else {
        rooms.delete(chatId);
        void join(chatId);
      }
    },
    /** Stops listening to a chat for a moment. */
    async pause(chatId: number, ms: number) {
      const room = rooms.get(chatId);
      if (!room?.joined || room.removed) return;
      const asked = ws;
      const reply = await request({ type: "leave", chat_id: chatId });
      if (reply?.type !== "ack" || ws !== asked || rooms.get(chatId) !== room) return;
      rooms.delete(chatId);
      await Bun.sleep(ms);
      if (ws === asked) await join(chatId);
    },
    /** Breaks the connection without a word, as a tunnel does. */
    cut,
    /** Settles when it has everything up to a number. */
    reached(chatId: number, number: number): Promise<void> {
      if (position(chatId) >= number) return Promise.resolve();
      return new Promise((resolve) => watches.push({ chatId, number, resolve }));
    },
    stop() {
      stopped = true;
      const closing = ws;
      if (!closing) return;
      closing.close();
      lost(closing);
    },
  };
}
