import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Resolver } from "node:dns/promises";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAddressCheck } from "../../src/outgoing-http/addresses.ts";
import { createOutgoingHttp, OutgoingError } from "../../src/outgoing-http/outgoing-http.ts";
import { removeFolder } from "../world/folder.ts";
import { startNameServer } from "../world/name-server.ts";

/** Addresses as somebody may write them into a URL. None of them may be called. */
const forbidden: readonly (readonly [what: string, host: string])[] = [
  ["loopback", "127.0.0.1"],
  ["loopback, another", "127.255.255.254"],
  ["loopback, short", "127.1"],
  ["loopback, decimal", "2130706433"],
  ["loopback, hexadecimal", "0x7f000001"],
  ["loopback, octal", "0177.0.0.1"],
  ["loopback, hexadecimal parts", "0x7f.0x0.0x0.0x1"],
  ["loopback, full-width digits", "１２７.０.０.１"],
  ["loopback, full-width dots", "127。0。0。1"],
  ["loopback, circled digits", "①②⑦.⓪.⓪.①"],
  ["loopback, a dot at the end", "127.0.0.1."],
  ["loopback, percent-encoded", "%31%32%37.0.0.1"],
  ["loopback by its name", "localhost"],
  ["loopback by its name, in capitals", "LOCALHOST"],
  ["loopback by its name, a dot at the end", "localhost."],
  ["loopback by a name below its own", "api.localhost"],
  ["unspecified", "0.0.0.0"],
  ["unspecified, short", "0"],
  ["this network", "0.1.2.3"],
  ["private 10", "10.0.0.1"],
  ["private 10, the last", "10.255.255.255"],
  ["private 172.16", "172.16.0.1"],
  ["private 172.31", "172.31.255.255"],
  ["private 192.168", "192.168.1.1"],
  ["private, hexadecimal", "0xc0a80101"],
  ["link-local", "169.254.0.1"],
  ["metadata of AWS, Google and Azure", "169.254.169.254"],
  ["metadata, decimal", "2852039166"],
  ["metadata of containers on AWS", "169.254.170.2"],
  ["metadata of Alibaba, in CGNAT", "100.100.100.200"],
  ["metadata of Oracle", "192.0.0.192"],
  ["host agent of Azure", "168.63.129.16"],
  ["CGNAT", "100.64.0.1"],
  ["CGNAT, the last", "100.127.255.255"],
  ["protocol assignments", "192.0.0.8"],
  ["documentation 1", "192.0.2.1"],
  ["documentation 2", "198.51.100.7"],
  ["documentation 3", "203.0.113.9"],
  ["6to4 relay", "192.88.99.1"],
  ["benchmarks", "198.18.0.1"],
  ["benchmarks, the last", "198.19.255.255"],
  ["AS112", "192.31.196.1"],
  ["multicast", "224.0.0.1"],
  ["multicast, the last", "239.255.255.255"],
  ["reserved", "240.0.0.1"],
  ["broadcast", "255.255.255.255"],
  ["IPv6 unspecified", "[::]"],
  ["IPv6 loopback", "[::1]"],
  ["IPv6 loopback, long", "[0:0:0:0:0:0:0:1]"],
  ["IPv4-mapped loopback", "[::ffff:127.0.0.1]"],
  ["IPv4-mapped, hexadecimal", "[::ffff:7f00:1]"],
  ["IPv4-mapped private", "[::ffff:10.0.0.1]"],
  ["IPv4-mapped metadata", "[::ffff:a9fe:a9fe]"],
  ["IPv4-compatible", "[::127.0.0.1]"],
  ["IPv4-translated", "[::ffff:0:7f00:1]"],
  ["NAT64 loopback", "[64:ff9b::127.0.0.1]"],
  ["NAT64 metadata", "[64:ff9b::a9fe:a9fe]"],
  ["NAT64 of a network", "[64:ff9b:1::10.0.0.1]"],
  ["6to4 of loopback", "[2002:7f00:1::]"],
  ["6to4 of a private address", "[2002:a00:1::1]"],
  ["Teredo", "[2001::1]"],
  ["Teredo of loopback", "[2001:0:4136:e378:8000:63bf:80ff:fffe]"],
  ["unique local", "[fc00::1]"],
  ["unique local, metadata of AWS", "[fd00:ec2::254]"],
  ["IPv6 link-local", "[fe80::1]"],
  ["IPv6 site-local", "[fec0::1]"],
  ["IPv6 multicast", "[ff02::1]"],
  ["IPv6 documentation", "[2001:db8::1]"],
  ["IPv6 documentation, the newer one", "[3fff::1]"],
  ["IPv6 benchmarks", "[2001:2::1]"],
  ["ORCHID", "[2001:20::1]"],
  ["discard-only", "[100::1]"],
  ["segment routing", "[5f00::1]"],
  ["IPv6 that nobody was given", "[4000::1]"],
];
const openssl = Bun.which("openssl");
const isPublic = createAddressCheck([]);

describe("a request", () => {
  const hits: Request[] = [];
  let server: ReturnType<typeof Bun.serve>;
  let answer: (request: Request) => Response | Promise<Response>;
  beforeAll(() => {
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 30,
      fetch(request) {
        hits.push(request);
        return answer(request);
      },
    });
  });
  afterAll(() => server.stop(true));

  const http = (options: Partial<Parameters<typeof createOutgoingHttp>[0]> = {}) =>
    createOutgoingHttp({ allowed: [], ...options });
  const inner = { allowed: ["127.0.0.1"] };
  const at = (host: string, path = "/") => `http://${host}:${server.port}${path}`;
  const failureOf = async (work: Promise<unknown>) => {
    try {
      await work;
    } catch (error) {
      if (error instanceof OutgoingError) return error.failure;
      throw error;
    }
    return "none";
  };

  test(`is refused for ${forbidden.length} spellings of addresses that are not public`, async () => {
    expect(forbidden.length).toBeGreaterThanOrEqual(60);
    hits.length = 0;
    const reached: string[] = [];
    for (const [what, host] of forbidden) {
      const url = at(host);
      const fault = http().faultOf(url);
      const failure = await failureOf(http().send({ method: "GET", url, headers: {} }));
      if (fault === undefined || failure !== "address_refused") reached.push(what);
    }
    expect(reached).toEqual([]);
    expect(hits).toEqual([]);
  });

  test("is refused for such addresses as the answer to a look-up, alone or among others", async () => {
    hits.length = 0;
    const reached: string[] = [];
    for (const [what, host] of forbidden) {
      const address = new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, "$1");
      for (const addresses of [[address], ["93.184.215.14", address]]) {
        const sender = http({ resolve: async () => addresses });
        const url = at("a.example");
        const failure = await failureOf(sender.send({ method: "GET", url, headers: {} }));
        if (failure !== "address_refused") reached.push(what);
      }
    }
    expect(reached).toEqual([]);
    expect(hits).toEqual([]);
  });

  test("may go to public addresses", () => {
    const addresses = ["8.8.8.8", "93.184.215.14", "172.32.0.1", "100.128.0.1", "192.0.1.1"];
    const more = ["2606:4700:4700::1111", "2a00:1450:4001:800::200e", "::ffff:8.8.8.8"];
    for (const address of [...addresses, ...more])
      expect([address, isPublic(address)]).toEqual([address, true]);
    expect(isPublic("fe80::1%eth0")).toBe(false);
    expect(isPublic("2606:4700:4700::1111%eth0")).toBe(false);
    expect(isPublic("no address")).toBe(false);
  });

  test.each([
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "http://user@example.com/",
    "http://user:password@example.com/",
    "/hook",
    "http://",
    "",
    `https://example.com/${"a".repeat(2_048)}`,
  ])("is refused for %s", async (url) => {
    expect(http().faultOf(url)).toBeString();
    const failure = await failureOf(http().send({ method: "GET", url, headers: {} }));
    expect(failure).toBe("address_refused");
  });

  test("goes to the networks that the operator allows, and to no others", () => {
    const isAllowed = createAddressCheck(["10.1.0.0/16", "192.168.7.7", "fd00::/8"]);
    for (const address of ["10.1.2.3", "192.168.7.7", "::ffff:10.1.2.3", "fd12::1"])
      expect([address, isAllowed(address)]).toEqual([address, true]);
    for (const address of ["10.2.0.1", "192.168.7.8", "127.0.0.1", "fc00::1"])
      expect([address, isAllowed(address)]).toEqual([address, false]);
  });

  test("dials the address that was vetted, though the name has another one a moment later", async () => {
    hits.length = 0;
    answer = () => new Response("inside");
    const outside = Bun.serve({
      port: server.port,
      hostname: "127.0.0.2",
      fetch: () => new Response("outside"),
    });
    // The first look-up says the address outside, all later ones the one inside.
    let lookUps = 0;
    const names = await startNameServer(() => {
      lookUps += 1;
      return [lookUps === 1 ? "127.0.0.2" : "127.0.0.1"];
    });
    const resolve = (host: string) => {
      // A resolver keeps what it has found.
      const resolver = new Resolver({ timeout: 1_000, tries: 1 });
      resolver.setServers([`127.0.0.1:${names.port}`]);
      return resolver.resolve4(host);
    };
    const sender = http({ resolve, allowed: ["127.0.0.2"] });
    const url = at("rebinding.example");
    const sent = await sender.send({ method: "GET", url, headers: {} });
    expect(Buffer.from(sent.body).toString()).toBe("outside");
    const again = sender.send({ method: "GET", url, headers: {} });
    expect(await failureOf(again)).toBe("address_refused");
    expect({ hits, lookUps }).toEqual({ hits: [], lookUps: 2 });
    await outside.stop(true);
    names.stop();
  });

  test("brings the body and the headers, and returns the status and the body", async () => {
    answer = async (request) =>
      new Response(`${request.headers.get("x-id")} ${await request.text()}`, { status: 201 });
    const sent = await http(inner).send({
      method: "POST",
      url: at("127.0.0.1", "/hook?x=1"),
      headers: { "x-id": "7" },
      body: "héllo",
    });
    expect(sent.status).toBe(201);
    expect(Buffer.from(sent.body).toString()).toBe("7 héllo");
    expect(hits.at(-1)?.headers.get("connection")).toBe("close");
  });

  test("looks a name up by the system's resolver", async () => {
    answer = () => new Response("here");
    const url = at("localhost");
    const allowed = ["127.0.0.1", "::1"];
    expect((await http({ allowed }).send({ method: "GET", url, headers: {} })).status).toBe(200);
    expect(await failureOf(http().send({ method: "GET", url, headers: {} }))).toBe(
      "address_refused",
    );
    const unknown = http().send({ method: "GET", url: "http://nobody.invalid/", headers: {} });
    expect(await failureOf(unknown)).toBe("name_not_found");
  });

  test("does not follow a redirect", async () => {
    hits.length = 0;
    answer = () => Response.redirect(at("127.0.0.1", "/secret"), 302);
    const { status } = await http(inner).send({ method: "GET", url: at("127.0.0.1"), headers: {} });
    expect(status).toBe(302);
    expect(hits).toHaveLength(1);
  });

  test("reads 64 KiB of the response at most", async () => {
    answer = () => new Response("x".repeat(1_000_000));
    const sent = await http(inner).send({ method: "GET", url: at("127.0.0.1"), headers: {} });
    expect(sent.status).toBe(200);
    expect(sent.body.length).toBe(64 * 1024);
  });

  test("ends after its time, also while the response trickles", async () => {
    answer = () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await Bun.sleep(20);
            controller.enqueue(new TextEncoder().encode("x"));
          },
        }),
      );
    const sender = http({ ...inner, timeoutMs: 150 });
    const sent = sender.send({ method: "GET", url: at("127.0.0.1"), headers: {} });
    expect(await failureOf(sent)).toBe("timeout");
    const stuck = http({ allowed: [], timeoutMs: 50, resolve: () => new Promise(() => {}) });
    const looked = stuck.send({ method: "GET", url: at("a.example"), headers: {} });
    expect(await failureOf(looked)).toBe("timeout");
  });

  test("fails where nobody listens", async () => {
    const closed = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const { port } = closed;
    await closed.stop(true);
    const url = `http://127.0.0.1:${port}/`;
    expect(await failureOf(http(inner).send({ method: "GET", url, headers: {} }))).toBe("network");
  });

  test.skipIf(!openssl)("is not sent to a host whose certificate nobody has signed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gemini-coop-tls-"));
    const [key, cert] = [join(folder, "key"), join(folder, "cert")];
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", key, "-out", cert];
    Bun.spawnSync([openssl ?? "", "req", "-x509", ...kind, ...subject, ...files]);
    let asked = 0;
    const secure = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: { key: Bun.file(key), cert: Bun.file(cert) },
      fetch() {
        asked += 1;
        return new Response();
      },
    });
    const url = `https://127.0.0.1:${secure.port}/`;
    expect(await failureOf(http(inner).send({ method: "GET", url, headers: {} }))).toBe("tls");
    expect(asked).toBe(0);
    await secure.stop(true);
    removeFolder(folder);
  });
});
