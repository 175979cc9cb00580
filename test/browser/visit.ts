// Pages in a real browser that record their errors.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { enginePath, flags } from "./chromium.ts";

export interface Look {
  width: number;
  height: number;
  colors: "light" | "dark";
}

export const phone: Look = { width: 360, height: 740, colors: "light" };
export const desktop: Look = { width: 1280, height: 900, colors: "light" };

export interface Visit {
  readonly page: Page;
  /** Errors and warnings of the console, uncaught errors, requests that failed. */
  readonly faults: string[];
  /** The URLs of all requests. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** A browser with an empty profile of its own, and one page. */
export async function openPage(look: Look): Promise<Visit> {
  const profile = mkdtempSync(join(tmpdir(), "gemini-coop-browser-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: enginePath,
    args: flags,
    viewport: { width: look.width, height: look.height },
    colorScheme: look.colors,
    reducedMotion: "reduce",
  });
  const page = await pageOf(browser);
  const faults: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("requestfailed", (request) => faults.push(`${request.url()} failed`));
  page.on("request", (request) => requests.push(request.url()));
  return {
    page,
    faults,
    requests,
    async close() {
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

async function pageOf(browser: BrowserContext): Promise<Page> {
  return browser.pages()[0] ?? (await browser.newPage());
}

/** The number of pixels by which a page is wider than the viewport. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - innerWidth").then(Number);
}
