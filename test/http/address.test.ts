// Where a request comes from, and whether by TLS: what proxies say of it, and who is believed.
import { describe, expect, test } from "bun:test";
import { ConfigError, readConfig } from "../../src/config/config.ts";
import { networkOf } from "../../src/http/address.ts";
import { CapturedLog } from "../world/captured.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld } from "../world/world.ts";

const proxies = "127.0.0.1, 10.0.0.0/8, ::ffff:192.0.2.53, 2001:db8:ffff::/48";

const log = new CapturedLog();
const directLog = new CapturedLog();
const world = useWorld({
  logTo: log,
  env: { LOG_LEVEL: "info", TRUSTED_PROXIES: proxies, SOCKETS_PER_ADDRESS: "1" },
});
const direct = useWorld({ logTo: directLog, env: { LOG_LEVEL: "info" } });

let requests = 0;

/** Where the log says that a request with these headers came from. */
async function fromOf(headers: Record<string, string>, [where, lines] = [world, log]) {
  requests += 1;
  const requestId = `request-${requests}`;
  await where.call("GET", "/nowhere", undefined, { ...headers, "x-request-id": requestId });
  return (await lines.find({ requestId })).from;
}

const forwarded = (list: string) => fromOf({ "x-forwarded-for": list });

describe("behind a trusted proxy a request comes from", () => {
  test.each<[what: string, list: string, from: string]>([
    ["the address that the proxy names", "203.0.113.7", "203.0.113.7"],
    ["the right-most one, whatever the client wrote", "1.1.1.1, 203.0.113.7", "203.0.113.7"],
    ["before other trusted proxies", "1.1.1.1, 203.0.113.7,10.1.2.3 , 127.0.0.1", "203.0.113.7"],
    ["before a proxy that is trusted as an IPv6 one", "203.0.113.7, 192.0.2.53", "203.0.113.7"],
    ["before a proxy of a trusted IPv6 network", "203.0.113.7, 2001:db8:ffff::9", "203.0.113.7"],
    ["the furthest trusted one, where all are", "10.9.9.9, 10.1.2.3", "10.9.9.9"],
    ["an IPv6 address in its one spelling", "2001:DB8:0:0:0::1", "2001:db8::1"],
    ["an IPv4-mapped address as IPv4", "::ffff:203.0.113.7", "203.0.113.7"],
    ["an IPv4-mapped proxy's client", "203.0.113.7, ::FFFF:10.1.2.3", "203.0.113.7"],
    ["an address with a port", "203.0.113.7:51234", "203.0.113.7"],
    ["an IPv6 address with a port", "[2001:db8::1]:51234", "2001:db8::1"],
    ["the proxy, where it names nobody", "", "127.0.0.1"],
    ["the proxy, where the nearest name is none", "203.0.113.7, unknown", "127.0.0.1"],
    ["the last proxy before what is no address", "203.0.113.7, 1.2.3, 10.1.2.3", "10.1.2.3"],
  ])("%s", async (_, list, from) => {
    expect(await forwarded(list)).toBe(from);
  });

  test.each(["_hidden", "203.0.113.256", "010.1.1.1", "203.0.113.7/32", "<x>", ",", "for=1.1.1.1"])(
    "the proxy, where it says %j",
    async (list) => {
      expect(await forwarded(list)).toBe("127.0.0.1");
    },
  );
});

test("what anybody else says of it changes nothing", async () => {
  const headers = { "x-forwarded-for": "203.0.113.7", forwarded: "for=203.0.113.7" };
  const more = { "x-real-ip": "203.0.113.7", "x-client-ip": "203.0.113.7" };
  expect(await fromOf({ ...headers, ...more }, [direct, directLog])).toBe("127.0.0.1");
});

test("SOCKETS_PER_ADDRESS counts the client's address, and an IPv6 network as one", async () => {
  const open = (from: string) => new TestSocket(world.socketUrl(), { "x-forwarded-for": from });
  const first = [open("203.0.113.7"), open("203.0.113.8"), open("2001:db8:1::1")];
  for (const socket of first) await socket.opened;
  for (const from of ["1.1.1.1, 203.0.113.7", "2001:db8:1:0:ffff::2"]) {
    expect((await open(from).closed).reason).toStartWith("too_many_sockets");
  }
  await open("2001:db8:1:1::1").opened;
});

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8::", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["1::2:3:4:5:6:7", "1:0:2:3::/64"],
])("the network of %s is %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

describe("TRUSTED_PROXIES", () => {
  const read = (list: string) => readConfig({ TRUSTED_PROXIES: list }).trustedProxies;

  test("is nobody unless it is set", () => {
    expect(read("")).toEqual([]);
    expect(read("10.0.0.1,fd00::/8")).toEqual(["10.0.0.1", "fd00::/8"]);
  });

  test.each(["proxy", "10.0.0.0/33", "10.0.0.0/", "::/129", "0.0.0.0/0", "::/0", "10.0.0.1,", "*"])(
    "cannot be %j",
    (list) => {
      expect(() => read(list)).toThrow(ConfigError);
      expect(() => read(list)).toThrow(/TRUSTED_PROXIES: has ".*": write addresses such as/);
    },
  );
});
