// Signing in by a provider, and linking accounts, in the page.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { Stage } from "../identities/stage.ts";
import { accountCookie } from "../world/openid-provider.ts";
import { launchChromium } from "./visitor.ts";

const stage = new Stage();
let browser: Browser;
beforeAll(async () => {
  await stage.start();
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  await stage.stop();
});

async function opened(account: string): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  // Cookies of a host are for all its ports.
  await context.addCookies([{ name: accountCookie, value: account, url: stage.provider.issuer }]);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(stage.world.url);
  return { page, faults };
}

async function openSettings(page: Page, section: string) {
  await page.getByRole("button", { name: "Your settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Your settings" });
  await dialog.getByRole("tab", { name: section }).click();
  return dialog.getByRole("tabpanel", { name: section });
}

test("a person signs in, links another account, chooses a password, and unlinks one", async () => {
  const { account, email } = stage.employee();
  const emails = [{ email: `${account}@users.example`, primary: true, verified: true }];
  stage.gitHub.accounts.set(account, { id: 1, login: `octo-${account}`, emails });
  const { page, faults } = await opened(account);
  await page.getByRole("button", { name: "Continue with The company" }).click();
  let panel = await openSettings(page, "Linked accounts");
  expect(page.url()).toBe(`${stage.world.url}/#/`);
  const linked = panel.getByRole("list", { name: "Linked accounts" }).getByRole("listitem");
  await linked.getByText(`The company, last used`).waitFor();
  for (const name of [`Unlink ${email}`, `Unlink: really? ${email}`]) {
    await panel.getByRole("button", { name }).click();
  }
  await panel.getByText("You have no other way to sign in.").waitFor();

  await panel.getByRole("button", { name: "Link GitHub" }).click();
  await page.getByText("The account is linked.").waitFor();
  await page.getByRole("button", { name: "Continue" }).click();
  panel = await openSettings(page, "Password");
  await panel.getByLabel("New password").fill("correct horse battery");
  await panel.getByRole("button", { name: "Choose password" }).click();
  await panel.getByText("Your password is changed.").waitFor();
  await panel.getByLabel("Current password").waitFor();
  await page.keyboard.press("Escape");

  panel = await openSettings(page, "Linked accounts");
  await linked.nth(1).waitFor();
  for (const name of [`Unlink ${email}`, `Unlink: really? ${email}`]) {
    await panel.getByRole("button", { name }).click();
  }
  await panel.getByText("The account is unlinked.").waitFor();
  expect(faults).toEqual([]);
});

test("a refusal is told, and leads back to the sign-in", async () => {
  const { page, faults } = await opened("refuser");
  await page.getByRole("button", { name: "Continue with The company" }).click();
  await page.getByText("The sign-in was refused there.").waitFor();
  expect(page.url()).toBe(`${stage.world.url}/#/`);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Username").waitFor();
  expect(faults).toEqual([]);
});

test("a code that this tab has no verifier for is refused in words", async () => {
  const { browser: other } = stage.employee();
  const { outcome } = await stage.visit(other);
  const { page } = await opened("nobody");
  const fresh = await page.context().newPage();
  await fresh.goto(`${stage.world.url}/#code=${outcome.code}`);
  await fresh.getByText("was begun in another browser").waitFor();
  expect(fresh.url()).toBe(`${stage.world.url}/#/`);
});
