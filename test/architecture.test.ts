// The source keeps to the layout, and each rule of test/architecture/layout.ts is seen to refuse what it forbids.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { faultsOf, linesMax, ranks, type Tree } from "./architecture/layout.ts";

const src = join(import.meta.dir, "../src");

function readTree(): Tree {
  const paths = readdirSync(src, { recursive: true, encoding: "utf8" });
  return Object.fromEntries(
    paths
      .filter((path) => /\.tsx?$/.test(path))
      .map((path) => [path, readFileSync(join(src, path), "utf8")]),
  );
}

test("the source keeps to the rules of the layout", () => {
  const tree = readTree();
  expect(Object.keys(tree).length).toBeGreaterThan(50);
  expect(faultsOf(tree)).toEqual([]);
});

describe("an import is refused", () => {
  const used = (specifier: string) => `import { x } from "${specifier}"; console.log(x);`;
  const type = (specifier: string) => `import type { X } from "${specifier}";`;
  /** A file of each folder. */
  const places = ranks.map((folders) =>
    folders.map((folder) => (folder.endsWith(".ts") ? folder : `${folder}/file.ts`)),
  );
  const between = (from: string, to: string) => {
    const relative = posix.relative(posix.dirname(from), to);
    return relative.startsWith(".") ? relative : `./${relative}`;
  };

  test.each(places.flat())("from %s to its right and beside it, also of a type", (from) => {
    const rank = places.findIndex((files) => files.includes(from));
    for (const to of places.slice(rank).flat()) {
      if (to === from) continue;
      for (const code of [used(between(from, to)), type(between(from, to))]) {
        expect([to, faultsOf({ [from]: code })]).not.toEqual([to, []]);
      }
    }
  });

  test.each<[what: string, path: string, code: string]>([
    ["a query that knows realtime", "chats/queries.ts", used("../realtime/rooms.ts")],
    ["another feature's routes", "messages/send.ts", used("../chats/routes.ts")],
    ["routes of the own feature", "chats/actions.ts", used("./routes.ts")],
    ["an action that knows Hono", "chats/actions.ts", used("hono")],
    ["the embedded database of a feature", "chats/queries.ts", used("../embedded-postgres/x.ts")],
    ["the embedded database of the server", "server.ts", used("./embedded-postgres/x.ts")],
    ["tokens that are read elsewhere", "http/middleware.ts", used("jose")],
    ["a wire with another package", "wire/users.ts", used("pino")],
    ["a development package", "http/middleware.ts", used("fast-check")],
    ["Gemini's SDK elsewhere", "answers/run.ts", used("@google/genai")],
    ["the metrics' library elsewhere", "http/metrics.ts", used("prom-client")],
    ["the spans' library elsewhere", "answers/run.ts", used("@opentelemetry/api")],
    ["the database's driver elsewhere", "chats/queries.ts", used("postgres")],
    ["the bus's client elsewhere", "realtime/peers.ts", used("@nats-io/transport-node")],
    ["mails that are sent elsewhere", "accounts/sign-in.ts", used("nodemailer")],
    ["the limiter elsewhere", "accounts/sign-in.ts", used("rate-limiter-flexible")],
    ["an import at run time", "chats/actions.ts", 'await import("../socket/registry.ts");'],
    ["a re-export", "chats/queries.ts", 'export { x } from "../messages/send.ts";'],
    ["a re-export of a type", "chats/queries.ts", 'export type { X } from "../messages/send.ts";'],
    ["a folder without a rank", "cache/memory.ts", used("../config/config.ts")],
    ["a client with the wire at run time", "client/room.ts", used("../wire/frames.ts")],
    ["a client with a package", "client/room.ts", used("zod")],
    ["a client with Node's modules", "client/room.ts", used("node:net")],
    ["what the client shares with an import", "wire/blank-message.ts", used("./text.ts")],
    ["a page with the wire at run time", "web/room.tsx", used("../wire/frames.ts")],
    ["what the page shares with an import", "wire/mention-pattern.ts", used("./text.ts")],
    ["a page with the server's code", "web/room.tsx", used("../messages/join.ts")],
    ["a page with a package of the server", "web/room.tsx", used("hono")],
    ["a server with a package of the page", "http/page.ts", used("preact")],
    ["a server that knows the page", "http/page.ts", used("../web/markdown.tsx")],
    ["a server that knows the client", "socket/handler.ts", used("../client/room.ts")],
  ])("%s", (_, path, code) => {
    expect(faultsOf({ [path]: code }).map((fault) => fault.split(":")[0])).toContain(path);
  });

  test.each<[what: string, tree: Tree, cycle: string[]]>([
    [
      "a cycle of two files, also of types",
      { "chats/a.ts": type("./b.ts"), "chats/b.ts": used("./a.ts") },
      ["chats/a.ts", "chats/b.ts"],
    ],
    [
      "a cycle of types in the page",
      { "web/parts.ts": type("./shown.ts"), "web/shown.ts": used("./parts.ts") },
      ["web/parts.ts", "web/shown.ts"],
    ],
    [
      "a cycle of types in the client",
      { "client/room.ts": type("./log.ts"), "client/log.ts": type("./room.ts") },
      ["client/room.ts", "client/log.ts"],
    ],
    [
      "a cycle of folders whose files have none",
      {
        "answers/files/ask.ts": type("../prompt/prompt.ts"),
        "answers/prompt/prompt.ts": "",
        "answers/prompt/choose.ts": type("../files/tokens.ts"),
        "answers/files/tokens.ts": "",
      },
      ["answers/files", "answers/prompt"],
    ],
    [
      "a cycle of folders by a file beside them",
      {
        "attachments/images/read.ts": type("../upload.ts"),
        "attachments/upload.ts": used("./scan/scan.ts"),
        "attachments/scan/scan.ts": type("../images/formats.ts"),
        "attachments/images/formats.ts": "",
      },
      ["attachments/images", "attachments/upload.ts", "attachments/scan"],
    ],
    [
      "a cycle of folders within a folder's folder",
      {
        "model/gemini/files/send.ts": type("../stream/read.ts"),
        "model/gemini/stream/read.ts": type("../files/names.ts"),
        "model/gemini/files/names.ts": "",
      },
      ["model/gemini/files", "model/gemini/stream"],
    ],
  ])("%s", (_, tree, cycle) => {
    expect(faultsOf(tree)).toEqual([`${[...cycle, cycle[0]].join(" → ")}: a cycle`]);
  });
});

describe("code is refused", () => {
  test.each<[what: string, path: string, code: string]>([
    ["a reader of the environment", "server.ts", "console.log(process.env.LOG_LEVEL);"],
    ["Bun's way to the environment", "server.ts", "console.log(Bun.env.PORT);"],
    ["a query that publishes", "chats/queries.ts", "ctx.realtime.toRoom(frame);"],
    ["a route that publishes", "chats/routes.ts", "ctx.realtime.toUser(userId, frame);"],
    ["state of a module", "chats/actions.ts", "let count = 0;\ncount += 1;"],
    ["state in a WeakMap", "chats/actions.ts", "export const seen = new WeakMap();"],
    ["a default export", "chats/actions.ts", "export default 1;"],
    ["a long file", "chats/actions.ts", "console.log(1);\n".repeat(linesMax + 1)],
    ["a vague file", "chats/utils.ts", ""],
    ["a vague suffix", "chats/chat-service.ts", ""],
    ["a barrel", "chats/index.ts", ""],
    ["a vague folder", "helpers/actions.ts", ""],
  ])("%s", (_, path, code) => {
    expect(faultsOf({ [path]: code }).map((fault) => fault.split(":")[0])).toContain(path);
  });
});

describe("nothing is wrong with", () => {
  const used = (specifier: string) => `import { x } from "${specifier}"; console.log(x);`;

  test.each<[what: string, path: string, code: string]>([
    ["a type from the left", "chats/queries.ts", 'import type { X } from "../wire/chats.ts";'],
    ["an earlier feature's action", "messages/send.ts", used("../answers/ask.ts")],
    ["a file of the own folder", "answers/run.ts", used("./prompt/prompt.ts")],
    ["an action behind a route", "chats/routes.ts", used("./actions.ts")],
    ["an action that publishes", "chats/actions.ts", "ctx.realtime.toRoom(frame);"],
    ["the environment in a comment", "server.ts", "// process.env is read by config/"],
    ["signatures in the tokens", "accounts/access-tokens.ts", used("jose")],
    ["the wire's types in the client", "client/room.ts", 'import type { X } from "../wire/x.ts";'],
    ["a client with what it shares", "client/room.ts", used("../wire/blank-message.ts")],
    ["a page with what it shares", "web/room.tsx", used("../wire/mention-pattern.ts")],
    ["a page on the client", "web/room.tsx", used("../client/client.ts")],
    [
      "a page that renders",
      "web/room.tsx",
      'import { render } from "preact"; render(<p />, root);',
    ],
  ])("%s", (_, path, code) => {
    expect(faultsOf({ [path]: code })).toEqual([]);
  });

  test("a folder between two files of the folder around it", () => {
    const tree = {
      "answers/ask.ts": used("./prompt/prompt.ts"),
      "answers/prompt/prompt.ts": used("../settings.ts"),
      "answers/settings.ts": "",
    };
    expect(faultsOf(tree)).toEqual([]);
  });
});
