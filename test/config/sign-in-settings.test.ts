// The settings of signing in by providers.
import { describe, expect, test } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import { faultsOf } from "./faults.ts";

const google = { OAUTH_GOOGLE_CLIENT_ID: "id", OAUTH_GOOGLE_CLIENT_SECRET: "secret" };
const gitHub = { OAUTH_GITHUB_CLIENT_ID: "id", OAUTH_GITHUB_CLIENT_SECRET: "secret" };
const oidc = {
  OIDC_ISSUER: "https://login.example.com/realm",
  OIDC_CLIENT_ID: "id",
  OIDC_CLIENT_SECRET: "secret",
};
const production = {
  NODE_ENV: "production",
  DATABASE_URL: "postgresql://coop@db/coop",
  SECRET_KEY: "kJ8vN2xQ7mR4tY6wZ1aB3cD5eF9gH0iLkJ8v",
};

test("without any there is no provider, and with all there are three", () => {
  expect(readConfig({}).signIn.providers).toEqual([]);
  const { providers } = readConfig({ ...google, ...gitHub, ...oidc }).signIn;
  expect(providers.map(({ id, name, issuer }) => [id, name, issuer])).toEqual([
    ["google", "Google", "https://accounts.google.com"],
    ["github", "GitHub", "https://github.com"],
    ["oidc", "Single sign-on", "https://login.example.com/realm"],
  ]);
});

describe("settings that are needed together", () => {
  test.each([google, gitHub, oidc])("are told one by one: %p", (all) => {
    for (const name of Object.keys(all)) {
      const others = Object.entries(all).filter(([other]) => other !== name);
      expect(faultsOf(Object.fromEntries(others))).toEqual([
        expect.stringMatching(`- ${name}: must be set`),
      ]);
    }
  });

  test("are those of production, too: providers send people back to PUBLIC_URL", () => {
    expect(faultsOf({ ...production, ...google })).toEqual([
      expect.stringMatching("PUBLIC_URL: must be set"),
    ]);
    const reached = { ...production, PUBLIC_URL: "https://chat.example.com" };
    expect(faultsOf({ ...reached, ...google, ...gitHub, ...oidc })).toEqual([]);
    expect(faultsOf({ ...reached, ...oidc, OIDC_ISSUER: "http://login.example.com" })).toEqual([
      expect.stringMatching("OIDC_ISSUER: must begin with https://"),
    ]);
    expect(faultsOf({ ...reached, ...oidc, OIDC_ISSUER: "http://127.0.0.1:9000" })).toEqual([]);
  });
});

describe("OAUTH_RETURN_TO", () => {
  test("is a list of whole addresses, in one spelling", () => {
    const list = "https://App.example.com , http://localhost:3000/signed-in?a=b";
    expect(readConfig({ OAUTH_RETURN_TO: list }).signIn.returnTo).toEqual([
      "https://app.example.com/",
      "http://localhost:3000/signed-in?a=b",
    ]);
  });

  test.each([
    "app.example.com",
    "//app.example.com",
    "https://",
    "https://*.example.com/",
    "https://user@app.example.com/",
    "https://app.example.com/#here",
    "https:\\\\app.example.com",
    "javascript:alert(1)",
    "https://a.example/,,https://b.example/",
    `https://app.example.com/${"a".repeat(2_000)}`,
  ])("has no %p", (list) => {
    expect(faultsOf({ OAUTH_RETURN_TO: list })).toEqual([
      expect.stringMatching("OAUTH_RETURN_TO: has"),
    ]);
  });
});
