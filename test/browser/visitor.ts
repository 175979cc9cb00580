// A person who uses the page. Errors of the page and its requests to other hosts are recorded.
import { afterAll } from "bun:test";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import type { Person, World } from "../world/world.ts";
import { enginePath, flags } from "./chromium.ts";

/** Long enough for a machine under load. */
const actionTimeoutMs = 20_000;

export function launchChromium(executablePath = enginePath): Promise<Browser> {
  return chromium.launch({ executablePath, args: flags });
}

/** Chromium for the tests of a file, which closes after them. */
export async function useChromium(executablePath = enginePath): Promise<Browser> {
  const browser = await launchChromium(executablePath);
  afterAll(() => browser.close());
  return browser;
}

export interface VisitOptions extends BrowserContextOptions {
  /** The person who is signed in. */
  as?: Person;
  /** The chat that is opened. */
  chatId?: number;
}

/** Opens the page in a browser context of its own. */
export async function visit(
  world: Pick<World, "url">,
  browser: Browser,
  options: VisitOptions = {},
) {
  const { as: person, chatId, ...context } = options;
  const own = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context });
  own.setDefaultTimeout(actionTimeoutMs);
  if (person) await own.addInitScript(signInScript(person));
  const page = await own.newPage();
  const faults = watched(page, new URL(world.url).host);
  await page.goto(`${world.url}/${chatId === undefined ? "" : `#/chats/${chatId}`}`);
  if (chatId !== undefined) await page.getByText("Live").first().waitFor();
  return {
    page,
    faults,
    rows: page.getByRole("region", { name: "Messages" }).locator("li.row"),
    composer: page.getByRole("textbox", { name: /^Message to/ }),
    async say(text: string) {
      await this.composer.fill(text);
      await this.composer.press("Enter");
    },
    /** The width of the content in pixels, including the part outside the viewport. */
    async contentWidth() {
      return Number(await page.evaluate("document.documentElement.scrollWidth"));
    },
    close: () => own.close(),
  };
}

function signInScript({ token }: Person): string {
  const tokens = {
    access_token: token,
    token_type: "bearer",
    expires_in: 1_800,
    refresh_token: "none",
    expires_at_ms: Date.now() + 1_800_000,
  };
  const text = JSON.stringify(JSON.stringify(tokens));
  // Tokens are set once, so that a person who signs out and reloads the page stays signed out.
  return `
    if (!sessionStorage.getItem("visited")) localStorage.setItem("gemini-coop-tokens", ${text});
    sessionStorage.setItem("visited", "yes");
  `;
}

function watched(page: Page, host: string): string[] {
  const faults: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const { host: asked, protocol } = new URL(request.url());
    // Data and files of the page itself are no requests.
    if (asked !== host && !/^(blob|data):$/.test(protocol)) faults.push(`asked ${request.url()}`);
  });
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== host) faults.push(`opened ${socket.url()}`);
  });
  return faults;
}
