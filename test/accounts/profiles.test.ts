// Profiles: the members that others see, and who is told when they change.
import { beforeAll, expect, test } from "bun:test";
import { rates } from "../../src/rate-limits/limits.ts";
import type { RunningServer } from "../../src/server.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const durations = { peoplePollMs: 20 };
const world = useWorld({ env: { RATE_LIMITS: "memory" }, durations });
let ann: Person;
let ben: Person;
let stranger: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  stranger = await world.person("stranger");
});

const change = (person: Person, body: unknown) => person.api("PATCH", "/api/auth/me", body);
const profile = (viewer: Person, { id }: { id: unknown }) => viewer.api("GET", `/api/users/${id}`);

test("a profile is shown to everybody who is signed in, without the email and the settings", async () => {
  await change(ann, { display_name: "  Ann   Lee ", bio: "Optics\r\nand waves" });
  const { status, body } = await profile(stranger, ann);
  expect(status).toBe(200);
  expect(body).toEqual({
    id: ann.id,
    username: ann.username,
    display_name: "Ann Lee",
    bio: "Optics\nand waves",
    avatar_url: null,
    created_at: expect.any(String),
    is_bot_account: false,
  });
  expect((await profile(ann, ann)).body).toEqual(body);
  const { body: me } = await ann.api("GET", "/api/auth/me");
  expect(me).toMatchObject({ ...body, email: ann.email, read_receipts: true });
});

test("absent members stay, null and a blank bio reset, and two people may have the same name", async () => {
  await change(ann, { display_name: "Same Name", bio: "Mine" });
  await change(ben, { display_name: "Same Name" });
  expect((await change(ann, {})).body).toMatchObject({ display_name: "Same Name", bio: "Mine" });
  expect((await change(ann, { bio: "  " })).body).toMatchObject({
    display_name: "Same Name",
    bio: null,
  });
  expect((await change(ann, { display_name: null })).body.display_name).toBeNull();
  expect((await profile(ben, ben)).body.display_name).toBe("Same Name");
});

test("names that are invisible, too long or of another type are refused and change nothing", async () => {
  await change(ann, { display_name: "Kept" });
  for (const name of ["", " ", "x".repeat(51), "a\u202eb", "\u3164", "a\u200bb", 7, [], {}, true]) {
    expectInvalid(await change(ann, { display_name: name }), "/display_name");
  }
  for (const bio of ["x".repeat(501), "\u0000", "\ud800", 7, []]) {
    expectInvalid(await change(ann, { bio, display_name: "Other" }), "/bio");
  }
  expect((await profile(ben, ann)).body).toMatchObject({ display_name: "Kept", bio: null });
  const longest = { display_name: "😀".repeat(50), bio: "é".repeat(500) };
  expect((await change(ann, longest)).body).toMatchObject(longest);
});

test("unknown people are 404, ids that are none 422, and nobody looks without a token", async () => {
  for (const id of [1_000_000, Number.MAX_SAFE_INTEGER]) {
    expectProblem(await profile(ann, { id }), 404, "not_found");
  }
  for (const id of ["0", "-1", "me", "1.5", "9".repeat(30)]) {
    expectInvalid(await profile(ann, { id }), "/user_id");
  }
  expectProblem(await world.call("GET", `/api/users/${ann.id}`), 401, "invalid_token");
});

test("participants have the display name, in lists and in frames", async () => {
  await change(ben, { display_name: "Ben B." });
  const chat = await ann.chat();
  const socket = await ann.joined(chat.id);
  const { body } = await ann.api("POST", `/api/chats/${chat.id}/invite`, {
    username: ben.username,
  });
  expect(body.participant.display_name).toBe("Ben B.");
  const frame = await socket.next("participant_added");
  expect(frame.participant).toEqual(body.participant);
  const { body: list } = await ben.api("GET", `/api/chats/${chat.id}/participants`);
  expect(list).toContainEqual(body.participant);
});

async function socketOn(server: RunningServer, person: Person): Promise<TestSocket> {
  const url = `${server.url.replace("http", "ws")}/ws?token=${person.token}&frames=flat`;
  const socket = new TestSocket(url);
  await socket.opened;
  await socket.settle();
  return socket;
}

const toldOf = (socket: TestSocket, { id }: Person) =>
  socket.ofType("user_updated").filter((frame) => Object(frame.user).id === id);

test("a change reaches those who share chats, joined or not, once each and on every server, and nobody else", async () => {
  const other = world.startAnother({ durations });
  const [cat, dan, eve] = [
    await world.person("cat"),
    await world.person("dan"),
    await world.person("eve"),
  ];
  const chat = await cat.chat({ with: [dan] });
  await cat.chat({ with: [dan] });
  const joined = await dan.joined(chat.id);
  const sockets = [await dan.socket(), await socketOn(other, dan), await cat.socket(), joined];
  const unrelated = await eve.socket();
  const merged = await dan.socket({ isMerged: true });
  await change(cat, { display_name: "Cat C.", bio: "New" });
  for (const socket of [...sockets, merged]) {
    const { user } = await socket.next("user_updated");
    expect(user).toEqual((await profile(dan, cat)).body);
  }
  // A second change comes after whatever the first one has caused.
  await change(cat, { bio: "Newer" });
  for (const socket of [...sockets, merged]) {
    expect(Object((await socket.next("user_updated")).user).bio).toBe("Newer");
    expect(toldOf(socket, cat)).toHaveLength(2);
  }
  await unrelated.settle();
  expect(unrelated.ofType("user_updated")).toEqual([]);
});

test("a change that changes nothing is neither told nor recorded", async () => {
  const [fay, gus] = [await world.person("fay"), await world.person("gus")];
  await fay.chat({ with: [gus] });
  await change(fay, { display_name: "Fay" });
  const socket = await gus.socket();
  await change(fay, { display_name: "Fay" });
  await change(fay, { read_receipts: false });
  await change(fay, { bio: "The last" });
  let last = await socket.next("user_updated");
  while (Object(last.user).bio !== "The last") last = await socket.next("user_updated");
  const events = await world.sql`
    select details from audit_events where action = 'change_profile' and actor_id = ${fay.id} order by id
  `;
  expect(events.map(({ details }) => details.changed)).toEqual([["display_name"], ["bio"]]);
});

test("of two simultaneous changes one stays, and the search finds that one only", async () => {
  const names = ["Quirin Alpha", "Quirin Beta", "Quirin Gamma", "Quirin Delta"];
  const hal = await world.person("hal");
  await Promise.all(names.map((name) => change(hal, { display_name: name })));
  const { display_name: name } = (await profile(ann, hal)).body;
  expect(names).toContain(name);
  const found = async (query: string) =>
    (await ann.api("GET", `/api/users/search?query=${query}`)).body.map(
      (user: { id: number }) => user.id,
    );
  for (const each of names) {
    const [, word = ""] = each.split(" ");
    expect([each, await found(word)]).toEqual([each, each === name ? [hal.id] : []]);
  }
  await change(hal, { display_name: null });
  expect(await found("quirin")).toEqual([]);
});

test("changes of profiles and looks at them have quotas of their own", async () => {
  const eager = await world.person("eager");
  const { rateLimits } = world.ctx;
  await rateLimits.take(
    "profileChanges",
    { userId: eager.id },
    rates.profileChanges.person.quota - 1,
  );
  expect((await change(eager, { bio: "One" })).status).toBe(200);
  expectProblem(await change(eager, { bio: "Two" }), 429, "rate_limited");
  expect((await change(eager, { read_receipts: false })).status).toBe(200);
  await rateLimits.take("userLookups", { userId: eager.id }, rates.userLookups.person.quota - 1);
  expect((await profile(eager, ann)).status).toBe(200);
  expectProblem(await profile(eager, ann), 429, "rate_limited");
});

test("changes that are older than an hour are deleted", async () => {
  await change(ann, { bio: "Old" });
  await world.sql`update people_changes set changed_at = now() - interval '2 hours'`;
  await change(ann, { bio: "New" });
  await world.peopleChanges.cleanUp();
  const [row] = await world.sql`select count(*)::int as count from people_changes`;
  expect(row?.count).toBe(1);
});
