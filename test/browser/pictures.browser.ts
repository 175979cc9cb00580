// Pictures that Gemini has made, on the page.
import { expect, test } from "bun:test";
import { makePng } from "../attachments/made-files.ts";
import { answer, draw, finish, say } from "../world/gemini/script.ts";
import { rowWith, usePair } from "./pair.ts";

const pair = usePair({ env: { GEMINI_IMAGE_MODEL: "gemini-3.1-flash-image" } });

const picture = (shade: number) =>
  makePng(640, 400, { pixels: (x, y) => [shade, (x * 255) / 640, (y * 255) / 400] });

test("text and pictures of an answer stand in their order, live and after a reload", async () => {
  const { annas, bens, leave } = await pair.open();
  pair.world.gemini.respondWith(
    answer(
      say("First **a cat**:"),
      draw(picture(30)),
      say("then a dog:"),
      draw(picture(200)),
      finish(),
    ),
  );
  await annas.say("/image a cat and a dog");
  const order = (text: string) =>
    `(() => { const row = [...document.querySelectorAll(".pieces")].at(-1);
      return row ? [...row.children].map((part) => part.matches(".files") ? "picture" : part.innerText.trim()).join("|") : "${text}"; })()`;
  for (const who of [annas, bens]) {
    await rowWith(who, "then a dog:")
      .getByRole("button", { name: /Picture picture-2/ })
      .waitFor();
    expect(await who.page.evaluate<string>(order("none"))).toBe(
      "First a cat:|picture|then a dog:|picture",
    );
  }
  await bens.page.reload();
  await rowWith(bens, "then a dog:")
    .getByRole("button", { name: /Picture picture-1/ })
    .click();
  await bens.page.getByRole("dialog").waitFor();
  await bens.page.keyboard.press("Escape");
  await bens.page.getByRole("dialog").waitFor({ state: "hidden" });
  const shots = process.env.SHOTS ?? "/tmp";
  await bens.page.screenshot({ path: `${shots}/pictures-light.png` });
  await bens.page.emulateMedia({ colorScheme: "dark" });
  await bens.page.setViewportSize({ width: 360, height: 740 });
  await bens.page.screenshot({ path: `${shots}/pictures-dark-360.png` });
  await leave();
});
