import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readArrivals } from "../../src/accounts/socket-queries.ts";
import { RecentReplays } from "../../src/log/recent-replays.ts";
import { useWorld } from "../world/world.ts";

// On a busy machine.
setDefaultTimeout(20_000);

const world = useWorld();

const replayOf = (frames: string[] | undefined) => ({ lastSeq: 9, superseded: 0, frames });

describe("replays that were read a moment ago", () => {
  test("are kept for two seconds, by chat and number", () => {
    const replays = new RecentReplays();
    const replay = replayOf(["a frame"]);
    replays.remember(1, 2, replay, 1_000);
    expect(replays.find(1, 2, 2_999)).toBe(replay);
    expect(replays.find(1, 2, 3_000)).toBeUndefined();
    expect(replays.find(1, 3, 2_000)).toBeUndefined();
    expect(replays.find(12, 2, 2_000)).toBeUndefined();
  });

  test("are not kept if they are empty, too many messages, or large", () => {
    const replays = new RecentReplays();
    for (const frames of [[], undefined, ["x".repeat(64 * 1024 + 1)]]) {
      replays.remember(1, 2, replayOf(frames), 0);
      expect(replays.find(1, 2, 0)).toBeUndefined();
    }
  });

  test.each([
    { most: 128, frame: "x".repeat(64 * 1024) },
    { most: 2_000, frame: "x" },
  ])("are $most at most, of which the oldest is forgotten", ({ most, frame }) => {
    const replays = new RecentReplays();
    for (let chatId = 0; chatId <= most; chatId += 1) {
      replays.remember(chatId, 0, replayOf([frame]), 0);
      // One that is read again is not counted twice.
      replays.remember(chatId, 0, replayOf([frame]), 0);
    }
    expect(replays.find(0, 0, 0)).toBeUndefined();
    for (let chatId = 1; chatId <= most; chatId += 1) {
      expect(replays.find(chatId, 0, 0)).toBeDefined();
    }
  });
});

describe("a chat that several people join from the same number", () => {
  test("is written once, and each of them gets the same as from a reading of their own", async () => {
    const [anna, ben] = [await world.person("anna"), await world.person("ben")];
    const stranger = await world.person("stranger");
    const chat = await anna.chat({ with: [ben] });
    for (const content of ["one", "two"]) await anna.say(chat.id, content);
    const replays = new RecentReplays();
    const read = async ({ id }: { id: number }, kept = new RecentReplays()) =>
      (await readArrivals(world.sql, [{ userId: id, chatId: chat.id, afterSeq: 1 }], kept))[0];
    const first = await read(anna, replays);
    const second = await read(ben, replays);
    expect(first?.chat?.frames).toHaveLength(1);
    expect(second?.chat?.frames).toBe(first?.chat?.frames);
    expect(second).toEqual(await read(ben));
    expect((await read(stranger, replays))?.chat).toBeUndefined();
  });

  test("is read again as soon as it has changed", async () => {
    const anna = await world.person("anna");
    const ben = await world.person("ben");
    const chat = await anna.chat({ with: [ben] });
    const { id } = await anna.say(chat.id, "before");
    const contents = async () => {
      const socket = await ben.socket();
      await socket.ask({ type: "join", chat_id: chat.id, after_seq: 0 });
      return socket.ofType("message").map(({ content }) => content);
    };
    expect(await contents()).toEqual(["before"]);
    await anna.api("PATCH", `/api/chats/${chat.id}/messages/${id}`, { content: "after" });
    expect(await contents()).toEqual(["after"]);
    await anna.api("DELETE", `/api/chats/${chat.id}/messages/${id}`);
    expect(await contents()).toEqual([""]);
  });
});
