// Signing in with a second factor, and what the links of mails do.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { appCode } from "../world/app-codes.ts";
import { startMailbox, tokenOf, type Mailbox } from "../world/mailbox.ts";
import { startWorld, type World } from "../world/world.ts";
import { launchChromium } from "./visitor.ts";

let world: World;
let browser: Browser;
let mailbox: Mailbox;
beforeAll(async () => {
  mailbox = await startMailbox();
  world = await startWorld({ env: { SMTP_URL: mailbox.url, MAIL_FROM: "coop@example.com" } });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  await world.stop();
  await mailbox.stop();
});

const password = "correct horse battery";

async function registered(username: string) {
  const email = `${username}@example.com`;
  await world.call("POST", "/api/auth/register", { username, email, password });
  return { username, email };
}

async function opened(): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage({ reducedMotion: "reduce" });
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(world.url);
  return { page, faults };
}

async function signIn(page: Page, username: string, typed = password) {
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(typed);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const openSettings = async (page: Page, section: string) => {
  await page.getByRole("button", { name: "Your settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Your settings" });
  await dialog.getByRole("tab", { name: section }).click();
  return dialog.getByRole("tabpanel", { name: section });
};

test("an app is set up by its QR code, signing in asks for a code, and it is turned off", async () => {
  const { username } = await registered("anna");
  const { page, faults } = await opened();
  await signIn(page, username);
  let panel = await openSettings(page, "Second factor");
  await panel.getByRole("button", { name: "Set up an app" }).click();
  await panel.getByRole("img", { name: "QR code for the authenticator app" }).waitFor();
  const secret = await panel.locator(".app-secret").innerText();
  await panel.getByRole("textbox", { name: "Code" }).fill(appCode(secret));
  await panel.getByRole("button", { name: "Turn it on" }).click();
  const codes = panel.getByRole("list", { name: "Recovery codes" }).getByRole("listitem");
  await codes.nth(9).waitFor();
  const [first = "", second = ""] = await codes.allInnerTexts();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Sign out" }).click();

  await signIn(page, username);
  await page.getByRole("heading", { name: "One more step" }).waitFor();
  await page.getByRole("textbox", { name: "Code" }).fill("AAAA-AAAA-AAAA-AAAA");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The code is wrong, or was used before.").waitFor();
  await page.getByRole("textbox", { name: "Code" }).fill(first);
  await page.getByRole("button", { name: "Sign in" }).click();

  panel = await openSettings(page, "Second factor");
  await panel.getByRole("textbox", { name: "Code" }).fill(second);
  await panel.getByRole("button", { name: "Turn it off" }).click();
  await panel.getByRole("button", { name: "Set up an app" }).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

test("a forgotten password is reset by the link of a mail, whose token leaves the address", async () => {
  const { username, email } = await registered("ben");
  const { page, faults } = await opened();
  await page.getByRole("button", { name: "Forgotten password" }).click();
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByText(/a mail with a link is on its way/).waitFor();
  const token = tokenOf(await mailbox.mailTo(email, 2));
  await page.goto(`${world.url}/#/reset-password/${token}`);
  await page.getByRole("textbox", { name: "New password" }).fill("another horse battery");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText(/Your password is changed/).waitFor();
  await page.getByRole("button", { name: "Continue" }).click();
  expect(page.url()).not.toContain(token);
  await signIn(page, username, "another horse battery");
  await page.getByRole("button", { name: "Your settings" }).waitFor();
  await page.goto(`${world.url}/#/reset-password/${token}`);
  await page.getByRole("textbox", { name: "New password" }).fill("a third horse battery");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText(/This link does not work/).waitFor();
  await page.getByRole("button", { name: "Not now" }).click();
  await page.getByRole("button", { name: "Your settings" }).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

test("an address is changed in the settings, and confirmed by the link of a mail", async () => {
  const { username } = await registered("cat");
  const { page, faults } = await opened();
  await signIn(page, username);
  const panel = await openSettings(page, "Email");
  await panel.getByText("is not confirmed").waitFor();
  await panel.getByLabel("Email address").fill("cats@example.com");
  await panel.getByRole("button", { name: "Send the link" }).click();
  await panel.getByText(/Look into the mailbox of cats@example.com/).waitFor();
  const token = tokenOf(await mailbox.mailTo("cats@example.com"));
  await page.goto(`${world.url}/#/verify-email/${token}`);
  await page.getByRole("button", { name: "Confirm this address" }).click();
  await page.getByText("Your email address is confirmed.").waitFor();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.reload();
  await openSettings(page, "Email");
  await panel.getByText("cats@example.com").first().waitFor();
  await panel.getByText("is confirmed").waitFor();
  expect(faults).toEqual([]);
  await page.close();
});
