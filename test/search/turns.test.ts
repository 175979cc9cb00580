import { expect, setDefaultTimeout, test } from "bun:test";
import { useWorld } from "../world/world.ts";

setDefaultTimeout(60_000);

const world = useWorld({ durations: { indexMs: 60_000 } });

test("a page of long messages, whose words take long to find, lets other requests have their turns", async () => {
  const ann = await world.person("ann");
  const { id: room } = await ann.chat();
  // Each of these characters stands for four words.
  for (let count = 0; count < 8; count += 1) await ann.say(room, "\ufdfa".repeat(16_000));
  await world.index();
  let longestMs = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - lastMs);
    lastMs = performance.now();
  }, 1);
  const beganMs = performance.now();
  const q = encodeURIComponent("\u0635\u0644\u0649");
  const { body } = await ann.api("GET", `/api/search?q=${q}`);
  await Bun.sleep(5);
  clearInterval(timer);
  expect(body.items).toHaveLength(8);
  expect(longestMs).toBeLessThan((performance.now() - beganMs) / 2);
});
