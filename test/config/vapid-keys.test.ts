import { describe, expect, test } from "bun:test";
import webPush from "web-push";
import { ConfigError, readConfig } from "../../src/config/config.ts";
import { derivedVapidKeys } from "../../src/config/vapid-keys.ts";

describe("keys for push services", () => {
  test("are the same for the same secret key, and others for another one", () => {
    const keys = derivedVapidKeys("one secret");
    expect(derivedVapidKeys("one secret")).toEqual(keys);
    expect(derivedVapidKeys("another secret")).not.toEqual(keys);
    expect(keys.publicKey).toMatch(/^B[\w-]{86}$/);
    expect(keys.privateKey).toMatch(/^[\w-]{43}$/);
  });

  test("are taken from the settings where those have a pair", () => {
    expect(readConfig({ NODE_ENV: "test" }).vapid).toBeUndefined();
    const keys = webPush.generateVAPIDKeys();
    const config = readConfig({
      NODE_ENV: "test",
      VAPID_PUBLIC_KEY: keys.publicKey,
      VAPID_PRIVATE_KEY: keys.privateKey,
    });
    expect(config.vapid).toEqual(keys);
  });

  test("of the settings that are no pair are refused without a word of the private one", () => {
    const [one, other] = [webPush.generateVAPIDKeys(), webPush.generateVAPIDKeys()];
    const faultsOf = (publicKey: string | undefined, privateKey: string | undefined) => {
      try {
        readConfig({
          NODE_ENV: "test",
          VAPID_PUBLIC_KEY: publicKey,
          VAPID_PRIVATE_KEY: privateKey,
        });
      } catch (error) {
        if (error instanceof ConfigError) return error.message;
      }
      return undefined;
    };
    expect(faultsOf(one.publicKey, undefined)).toContain("VAPID_PRIVATE_KEY: must be set");
    expect(faultsOf(undefined, one.privateKey)).toContain("VAPID_PUBLIC_KEY: must be set");
    for (const privateKey of [other.privateKey, "A".repeat(43), "_".repeat(43), "short"]) {
      const fault = faultsOf(one.publicKey, privateKey);
      expect(fault).toContain("VAPID_PUBLIC_KEY: is not the public key");
      expect(fault).not.toContain(privateKey);
    }
  });
});
