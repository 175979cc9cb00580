// The entry for signing in, by a provider, against a real server and a provider.
import { expect, test } from "bun:test";
import { createClient, memoryTokens } from "../../src/client/client.ts";
import { createSignIn, readProviderReturn } from "../../src/client/sign-in.ts";
import { useStage } from "../identities/stage.ts";
import { appCode } from "../world/app-codes.ts";

const stage = useStage();
const returnTo = "https://app.example.com/signed-in";

function created() {
  const { url } = stage.world;
  const client = createClient({ url, tokens: memoryTokens() });
  return { client, signIn: createSignIn({ client, url }) };
}

test("a person signs in by a visit, links another account, and unlinks it", async () => {
  const { client, signIn } = created();
  const { account, browser } = stage.employee();
  expect((await signIn.listProviders()).map(({ id }) => id)).toEqual(["github", "oidc"]);
  const { url, verifier } = await signIn.beginVisit("oidc", returnTo);
  const { url: end } = await browser.open(url);
  const outcome = readProviderReturn(end.hash);
  if (!outcome || !("code" in outcome)) throw new Error(`it came back with ${end.hash}`);
  await expect(signIn.loginByCode(outcome.code, "w".repeat(43))).rejects.toMatchObject({
    code: "invalid_token",
  });
  expect(await signIn.loginByCode(outcome.code, verifier)).toBeUndefined();
  expect(client.session.getSnapshot().user?.username).toBe(account);
  const [identity] = await signIn.listIdentities();
  expect(identity).toMatchObject({ provider: "oidc", label: `${account}@example.com` });
  await expect(signIn.unlinkIdentity(Number(identity?.id))).rejects.toMatchObject({
    code: "last_way_in",
  });
  expect(await signIn.linkIdentity("github", returnTo)).toStartWith(
    `${stage.gitHub.url}/login/oauth/authorize?`,
  );
  await expect(signIn.linkIdentity("none")).rejects.toMatchObject({ code: "not_found" });
  client.close();
});

test("a second factor asks for its code after the visit", async () => {
  const { client, signIn } = created();
  const { browser } = stage.employee();
  const { api } = await stage.signIn(browser);
  const { body: setup } = await api("POST", "/api/auth/totp");
  const { body } = await api("POST", "/api/auth/totp/confirm", { code: appCode(setup.secret) });
  const { url, verifier } = await signIn.beginVisit("oidc");
  const outcome = readProviderReturn((await browser.open(url)).url.hash);
  const code = outcome && "code" in outcome ? outcome.code : "";
  const ticket = await signIn.loginByCode(code, verifier);
  expect(client.session.getSnapshot().signedIn).toBe(false);
  await signIn.loginWithCode(ticket ?? "", body.recovery_codes[0]);
  expect(client.session.getSnapshot().signedIn).toBe(true);
  client.close();
});

test("outcomes are read from the fragment of an address", () => {
  expect(readProviderReturn("#code=abc")).toEqual({ code: "abc" });
  expect(readProviderReturn("#error=access_denied&provider=oidc")).toEqual({
    error: "access_denied",
  });
  expect(readProviderReturn("#linked=github")).toEqual({ linked: "github" });
  for (const none of ["", "#", "#/chats/1", "#code=", "#other=1"]) {
    expect(readProviderReturn(none)).toBeUndefined();
  }
});
