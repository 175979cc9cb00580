// Addresses, events and secrets of webhooks, and the audit trail.
import { describe, expect, test } from "bun:test";
import { resealSecrets } from "../../src/webhooks/reseal.ts";
import { openSecret, sealSecret } from "../../src/webhooks/secrets.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { useWebhooks } from "./use-webhooks.ts";

const { world, receiver, told, hook, change, get } = await useWebhooks();

test("a secret is read with the key before, and with no other one", () => {
  const keys = (secretKey: string, previousSecretKey?: string) => ({
    config: { ...world.config, secretKey, previousSecretKey },
  });
  const sealed = sealSecret(keys("old"), "whsec_x");
  expect(openSecret(keys("old"), sealed)).toBe("whsec_x");
  expect(openSecret(keys("new", "old"), sealed)).toBe("whsec_x");
  expect(openSecret(keys("new"), sealed)).toBeUndefined();
  sealed[sealed.length - 1]! ^= 1;
  expect(openSecret(keys("old"), sealed)).toBeUndefined();
});

describe("a secret", () => {
  test("that the previous key has sealed can be read without that key after it was sealed again", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const { body: rotated } = await ann.api("POST", `/api/webhooks/${made.webhook.id}/secret`, {});
    const other = await hook(ann, chat.id);
    const secretKey = "the next key ".repeat(5);
    const next = { ...world.ctx, config: { ...world.ctx.config, secretKey } };
    const previousSecretKey = world.ctx.config.secretKey;
    const sealed = () => world.sql`
      select encode(sealed_secret, 'hex') as secret, encode(sealed_previous, 'hex') as previous
      from webhooks where chat_id = ${chat.id} order by id
    `;
    const before = await sealed();
    await resealSecrets(next);
    expect(await sealed()).toEqual(before);
    await resealSecrets({ ...next, config: { ...next.config, previousSecretKey } });
    const open = (hex: string) => openSecret(next, Buffer.from(hex, "hex"));
    const after = await sealed();
    expect(after.map(({ secret, previous }) => [open(secret), previous && open(previous)])).toEqual(
      [
        [rotated.secret, made.webhook.secret],
        [other.webhook.secret, null],
      ],
    );
    await resealSecrets({ ...next, config: { ...next.config, previousSecretKey } });
    expect(await sealed()).toEqual(after);
    // Other tests need their webhooks.
    const back = { ...world.config, previousSecretKey: secretKey };
    await resealSecrets({ ...world.ctx, config: back });
  });

  test("is shown once, and lies encrypted in the database", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const { secret } = made.webhook;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const lists = await ann.api("GET", `/api/chats/${chat.id}/webhooks`);
    expect(JSON.stringify([lists.body, await get(ann, made)])).not.toContain("whsec_");
    const rows = await world.sql`
      select encode(sealed_secret, 'escape') as text, encode(sealed_secret, 'base64') as base64 from webhooks where id = ${made.webhook.id}
    `;
    expect(JSON.stringify([...rows])).not.toContain(secret.slice(6, 20));
  });

  test("that is rotated signs beside the new one for a day", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const at = `/api/webhooks/${made.webhook.id}/secret`;
    const { body: rotated } = await ann.api("POST", at, {});
    expect(rotated.secret).not.toBe(made.webhook.secret);
    expect(rotated.previous_secret_until).toEqual(time);
    await ann.say(chat.id, "both");
    await told();
    const [both] = receiver.at(made.path);
    expect(both?.headers.get("webhook-signature")?.split(" ")).toHaveLength(2);
    expect(both?.isVerified).toBe(true);
    receiver.secrets.set(made.path, rotated.secret);
    expect(receiver.verifies(made.path, both?.text ?? "", both?.headers ?? new Headers())).toBe(
      true,
    );
    await world.sql`update webhooks set previous_until = now() where id = ${made.webhook.id}`;
    await ann.say(chat.id, "the new one only");
    await told();
    const second = receiver.at(made.path)[1];
    expect(second?.headers.get("webhook-signature")?.split(" ")).toHaveLength(1);
    expect(second?.isVerified).toBe(true);
  });

  test("of one's own is taken, and of another form refused", async () => {
    const ann = await world.person("ann");
    const { url, path } = receiver.path();
    const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
    const { body } = await ann.api("POST", "/api/webhooks", { url, events: ["mention"], secret });
    expect(body.secret).toBe(secret);
    receiver.secrets.set(path, secret);
    await ann.api("POST", `/api/webhooks/${body.id}/test`);
    await told();
    expect(receiver.at(path)).toMatchObject([{ type: "test", isVerified: true }]);
    for (const wrong of ["x", "whsec_", `whsec_${"A".repeat(20)}`, `whsec_${"A".repeat(200)}`, 7]) {
      const input = { url, events: ["mention"], secret: wrong };
      expectInvalid(await ann.api("POST", "/api/webhooks", input), "/secret");
    }
  });
});

describe("input", () => {
  test("with an address that is not public is refused", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const urls = [
      "http://169.254.169.254/latest",
      "http://[::1]/",
      "http://10.0.0.1/",
      "ftp://a.b/",
    ];
    for (const url of [...urls, "http://u:p@example.com/", "no address", ""]) {
      const input = { url, events: ["message.created"] };
      expectInvalid(await ann.api("POST", `/api/chats/${chat.id}/webhooks`, input), "/url");
      expectInvalid(await change(ann, made, { url }), "/url");
      expectInvalid(await ann.api("POST", "/api/webhooks", { url, events: ["mention"] }), "/url");
    }
    expect((await get(ann, made)).url).toBe(made.url);
  });

  test("with events of the other kind, unknown ones or none is refused", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const [made, own] = [await hook(ann, chat.id), await hook(ann, undefined)];
    expectInvalid(await change(ann, made, { events: ["mention"] }), "/events");
    expectInvalid(await change(ann, own, { events: ["message.created"] }), "/events");
    expectInvalid(await change(ann, own, { events: [] }), "/events");
    const { url } = receiver.path();
    const input = { url, events: ["nothing"] };
    expectInvalid(await ann.api("POST", "/api/webhooks", input), "/events/0");
    const { body } = await change(ann, made, { events: ["chat.updated", "chat.updated"] });
    expect(body.events).toEqual(["chat.updated"]);
  });
});

test("what was done is in the audit trail, without secrets", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const made = await hook(ann, chat.id);
  await ann.api("POST", `/api/webhooks/${made.webhook.id}/secret`, {});
  await change(ann, made, { events: ["chat.updated"] });
  await ann.api("DELETE", `/api/webhooks/${made.webhook.id}`);
  expectProblem(await ann.api("GET", `/api/webhooks/${made.webhook.id}`), 404, "not_found");
  const events = await world.sql`
    select action, target, details from audit_events where actor_id = ${ann.id} and target like 'webhook:%' order by id
  `;
  const target = `webhook:${made.webhook.id}`;
  const details = { chat_id: chat.id };
  expect([...events]).toEqual(
    ["create_webhook", "rotate_webhook_secret", "change_webhook", "delete_webhook"].map(
      (action) => ({ action, target, details }),
    ),
  );
});
