// Every frame that a client may send, sent by everybody, with every way to open a socket.
import { beforeAll, describe, expect } from "bun:test";
import { ClientFrame } from "../../../src/wire/client-frames.ts";
import { bothTest, everyNth, isLong, test } from "../../world/long.ts";
import { TestSocket } from "../../world/socket.ts";
import { useWorld, type Person } from "../../world/world.ts";
import { frames, roles, type FrameRule, type Role } from "./access-table.ts";
import { setScene, storedRows, type Scene } from "./scene.ts";

type SignedIn = Exclude<Role, "nobody">;

const world = useWorld();
let scene: Scene;
/** A socket of the former member's that had joined before they were removed. */
let kept: TestSocket;
beforeAll(async () => {
  scene = await setScene(world, "complete", async (former, chatId) => {
    kept = await former.joined(chatId);
  });
  await kept.next("removed_from_chat");
});

async function opened(query: string, headers: Record<string, string> = {}): Promise<TestSocket> {
  const socket = new TestSocket(world.socketUrl(query), headers);
  await socket.opened;
  return socket;
}

async function ticketOf(person: Person): Promise<string> {
  return (await person.api("POST", "/api/auth/ws-ticket")).body.ticket;
}

const goodWays: Record<string, (person: Person) => Promise<TestSocket>> = {
  "an access token in the address": ({ token }) => opened(`?token=${token}`),
  "a ticket in the address": async (person) => opened(`?token=${await ticketOf(person)}`),
  "an access token in an auth frame": async ({ token }) => {
    const socket = await opened("");
    expect(await socket.ask({ type: "auth", token })).toMatchObject({ type: "ack" });
    return socket;
  },
  "a ticket in an auth frame": async (person) => {
    const socket = await opened("");
    const token = await ticketOf(person);
    expect(await socket.ask({ type: "auth", token })).toMatchObject({ type: "ack" });
    return socket;
  },
};

const badWays: Record<string, (person: Person) => Promise<TestSocket>> = {
  nothing: () => opened(""),
  "another parameter": ({ token }) =>
    opened(`?access_token=${token}&ticket=${token}&Token=${token}&authorization=Bearer%20${token}`),
  "an Authorization header": ({ token }) => opened("", { authorization: `Bearer ${token}` }),
  "a cookie": ({ token }) => opened("", { cookie: `token=${token}; access_token=${token}` }),
  "a protocol": ({ token }) => opened("", { "sec-websocket-protocol": token }),
  "a token without its signature": ({ token }) =>
    opened(`?token=${token.slice(0, token.lastIndexOf("."))}.`),
  "a ticket that was used": async (person) => {
    const ticket = await ticketOf(person);
    const first = await opened(`?token=${ticket}`);
    await first.settle();
    await first.close();
    return await opened(`?token=${ticket}`);
  },
};

function frameOf(type: string, rule: FrameRule, on: Scene, role: SignedIn) {
  return { type, ...rule.members(on, role) };
}

const outcome = (reply: { type: string; code?: unknown }) =>
  reply.type === "error" ? reply.code : reply.type;

const people = roles.filter((role) => role !== "nobody");
const refusing = Object.entries(frames).filter(([, rule]) => rule.replies.former === "not_found");

test("the table has every frame of a client, and no other", () => {
  const described = ClientFrame.options.map(({ shape }) => shape.type.value);
  expect(Object.keys(frames).toSorted()).toEqual(described.toSorted());
});

describe.each(everyNth(2, Object.entries(goodWays)))(
  "on a socket that was opened with %s",
  (_, open) => {
    bothTest.each(refusing)("the frame %s is refused to whom it must be", async (type, rule) => {
      const refused = people.filter((role) => rule.replies[role] === "not_found");
      const before = await rowsOfChats();
      for (const role of refused) {
        const socket = await open(scene.people[role]);
        const reply = await socket.ask(frameOf(type, rule, scene, role));
        expect([role, outcome(reply)]).toEqual([role, rule.replies[role]]);
        await socket.close();
      }
      expect(await rowsOfChats()).toEqual(before);
    });
  },
);

/** All rows but those of tickets, which a connection with a ticket changes. */
async function rowsOfChats(): Promise<string[]> {
  return (await storedRows(world)).filter((row) => !/^socket_tickets /.test(row));
}

const others = people.filter((role) => role !== "owner");

/** The people who open it: in `bun run check` the owner and one of the others, each of whom has a turn. */
function openersOf(way: string): SignedIn[] {
  const turn = Object.keys(badWays).indexOf(way) % others.length;
  return ["owner", ...others.filter((_, n) => isLong || n === turn)];
}

describe.each(Object.entries(badWays))("a socket that was opened with %s", (way, open) => {
  bothTest("is nobody's: it is closed at its first frame, and nothing changes", async () => {
    for (const role of openersOf(way)) {
      const before = await rowsOfChats();
      for (const [type, rule] of Object.entries(frames)) {
        // This frame says who the sender is, so that everybody may send it.
        if (type === "auth") continue;
        const socket = await open(scene.people[role]);
        // It may be closed before that.
        socket.send(frameOf(type, rule, scene, role));
        const { code, reason } = await socket.closed;
        expect([type, code, reason]).toEqual([
          type,
          1008,
          expect.stringMatching(/^invalid_token: /),
        ]);
        expect(socket.frames).toEqual([]);
      }
      expect(await rowsOfChats()).toEqual(before);
    }
  });
});

test("a socket that had joined when its person was removed may no more than a new one, and hears nothing", async () => {
  const { owner } = scene.people;
  const heard = kept.frames.length;
  for (const [type, rule] of Object.entries(frames)) {
    const before = await rowsOfChats();
    const reply = await kept.ask(frameOf(type, rule, scene, "former"));
    expect([type, outcome(reply)]).toEqual([type, rule.replies.former]);
    expect(await rowsOfChats()).toEqual(before);
  }
  await owner.say(scene.chatId, "They are gone.");
  await kept.settle();
  const since = kept.frames.slice(heard).filter(({ request_id }) => request_id === undefined);
  // The answer to watch_presence, which is what it would be of an id that nobody has.
  const unknown = { user_id: owner.id, status: "offline", last_seen_at: null };
  expect(since).toEqual([{ type: "presence", users: [unknown] }]);
});

test("an auth frame with another person's token changes nobody", async () => {
  const { stranger, member } = scene.people;
  const socket = await opened(`?token=${stranger.token}`);
  const renewed = await socket.ask({ type: "auth", token: member.token });
  expect(outcome(renewed)).toBe("invalid_token");
  expect(outcome(await socket.ask({ type: "join", chat_id: scene.chatId }))).toBe("not_found");
});

describe.each(everyNth(2, Object.entries(goodWays)))(
  "on a socket that was opened with %s",
  (_, open) => {
    bothTest.each(Object.entries(frames))(
      "the frame %s is taken from whom it must be",
      async (type, rule) => {
        for (const role of people.filter((each) => rule.replies[each] !== "not_found")) {
          const on = rule.answer ? await setScene(world, rule.answer) : scene;
          const socket = await open(on.people[role]);
          const reply = await socket.ask(frameOf(type, rule, on, role));
          expect([role, outcome(reply)]).toEqual([role, rule.replies[role]]);
          await socket.close();
        }
      },
    );
  },
);
