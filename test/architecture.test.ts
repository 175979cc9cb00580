// Where imports may point, and what each kind of file may do. Folders of src/ are ranked; an import points to a lower rank
// or stays in its own folder. Type imports count: a type that points the wrong way is a dependency, too.
// The client and the page run elsewhere: the server's code knows neither, and they know only types of the wire.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { dependencies } from "../package.json";

const src = join(import.meta.dir, "../src");
const linesMax = 250;

/** From left to right. Folders of one rank don't import each other. */
const ranks: readonly (readonly string[])[] = [
  ["config", "wire", "schedule.ts"],
  ["database", "embedded-postgres", "observability"],
  ["bus"],
  ["realtime", "rate-limits", "audit", "model", "file-store", "mail", "jobs", "outgoing-http"],
  ["log"],
  ["context.ts"],
  ["http"],
  ["accounts"],
  ["chats"],
  ["answers"],
  [
    "access-keys",
    "account-deletion",
    "account-mail",
    "attachments",
    "export",
    "identities",
    "messages",
    "moderation",
    "presence",
    "push",
    "reactions",
    "receipts",
    "search",
    "two-factor",
    "webhooks",
  ],
  ["bots", "incoming-webhooks"],
  ["socket", "docs"],
  ["app.ts", "tasks.ts", "job-kinds.ts"],
  ["server.ts"],
  ["compose.ts"],
  ["main.ts"],
  ["cli.ts"],
];
/** Directories of src/ that the server doesn't run. */
const elsewhere = new Set(["client", "web"]);

/** Files that the page may import at run time, too. They import nothing. */
const sharedWithPage = new Set([
  "wire/deleted-username.ts",
  "wire/folding.ts",
  "wire/mention-pattern.ts",
]);

/** Files that may import what other files of their folder may not: a package, or the page. */
const packageOwners: readonly (readonly [name: RegExp, owner: RegExp])[] = [
  [/^@google\/genai$/, /^model\/gemini\//],
  [/^postgres$/, /^(database|embedded-postgres)\//],
  [/^file-type$/, /^attachments\/media-types\.ts$/],
  [/^dbmate$/, /^database\//],
  [/^rate-limiter-flexible$/, /^rate-limits\//],
  [/^jose$/, /^accounts\/access-tokens\.ts$/],
  [/^web-push$/, /^push\/push-request\.ts$/],
  [/^otpauth$/, /^two-factor\/codes\.ts$/],
  [/^openid-client$/, /^identities\//],
  [/^nodemailer$/, /^mail\/smtp\.ts$/],
  [/^ipaddr\.js$/, /^outgoing-http\/addresses\.ts$/],
  [/^prom-client$/, /^observability\/metrics\//],
  [/^@opentelemetry\//, /^observability\/tracing\//],
  [/^pino-pretty$/, /^observability\/logger\.ts$/],
  [/^@nats-io\//, /^bus\/nats-bus\.ts$/],
];

/** Relative path → code. */
type Tree = Record<string, string>;

const ts = new Bun.Transpiler({ loader: "ts" });
const tsx = new Bun.Transpiler({ loader: "tsx" });
const transpilerOf = (path: string) => (path.endsWith(".tsx") ? tsx : ts);
/** The JSX runtime, as the transpiler spells it by itself. */
const jsxRuntime = /^react(\/jsx-(dev-)?runtime)?$/;

/** The first part of a path: the folder, or the file that stands in src/ itself. */
function folderOf(path: string): string {
  return path.split("/")[0] ?? path;
}

function rankOf(path: string): number | undefined {
  const rank = ranks.findIndex((folders) => folders.includes(folderOf(path)));
  return rank < 0 ? undefined : rank;
}

const isRoutes = (path: string) => /(^|-)routes\.ts$/.test(posix.basename(path));
const isQueries = (path: string) => /(^|-)queries\.ts$/.test(posix.basename(path));

function resolve(path: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}

function importFault(path: string, specifier: string): string | undefined {
  if (sharedWithPage.has(path)) return `imports ${specifier}: the page takes this file along`;
  if (folderOf(path) === "client") return clientFault(path, specifier);
  if (folderOf(path) === "web") return webFault(path, specifier);
  if (!specifier.startsWith(".")) return packageFault(path, specifier);
  const target = resolve(path, specifier);
  if (target === "../package.json") {
    return path === "config/config.ts" ? undefined : "only config/config.ts reads package.json";
  }
  if (target === "../db/cli.ts" && path === "cli.ts") return undefined;
  // Files that are served as they are.
  if (target === "web/page.html" && path.startsWith("http/")) return undefined;
  const from = rankOf(path);
  const to = rankOf(target);
  if (from === undefined) return "has no rank: name its folder in this test";
  if (to === undefined) return `imports ${target}, which has no rank`;
  if (folderOf(target) === "embedded-postgres" && !/^(embedded-postgres\/|main\.ts$)/.test(path)) {
    return `imports ${target}: only the start does`;
  }
  if (to > from) return `imports ${target}, which is to its right`;
  if (to === from && folderOf(target) !== folderOf(path)) {
    return `imports ${target}, which is beside it`;
  }
  if (isQueries(path) && folderOf(target) === "realtime") return "is SQL, and knows realtime";
  if (isRoutes(target) && folderOf(path) !== "app.ts") return `imports the routes ${target}`;
  return undefined;
}

/** Whether a server that was installed without development packages has it. */
function isInstalled(name: string): boolean {
  if (/^(node|bun):/.test(name) || name === "bun") return true;
  return Object.keys(dependencies).some((own) => name === own || name.startsWith(`${own}/`));
}

function clientFault(path: string, specifier: string): string | undefined {
  const target = resolve(path, specifier);
  if (specifier.startsWith(".") && folderOf(target) === "client") return undefined;
  return `imports ${specifier}: the client takes nothing along`;
}

function webFault(path: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) {
    const target = resolve(path, specifier);
    if (["web", "client"].includes(folderOf(target)) || sharedWithPage.has(target))
      return undefined;
  } else if (jsxRuntime.test(specifier) || (isInstalled(specifier) && isOfPage(specifier))) {
    return undefined;
  }
  return `imports ${specifier}, which is not for browsers`;
}

/** Packages that the page is made of. */
const isOfPage = (name: string) =>
  /^(preact|marked|dompurify|temml|highlight\.js|uqr)(\/|$)/.test(name);

function packageFault(path: string, name: string): string | undefined {
  if (!isInstalled(name) && name !== "pino-pretty")
    return `imports ${name}, which is no dependency`;
  if (path.startsWith("wire/") && name !== "zod") return `imports ${name}: wire/ imports zod only`;
  const owner = packageOwners.find(([pattern]) => pattern.test(name))?.[1];
  if (owner && !owner.test(path)) return `imports ${name}: only ${owner.source} does`;
  if (isOfPage(name)) return `imports ${name}: only the page in web/ does`;
  const answersHttp =
    isRoutes(path) || /^(http|docs)\/|^app\.ts$|^accounts\/signed-in\.ts$/.test(path);
  if (/^(@?hono|swagger-ui-dist)(\/|$)/.test(name) && !answersHttp) {
    return `imports ${name}: only what answers HTTP does`;
  }
  return undefined;
}

function codeFaults(path: string, code: string): string[] {
  // Without comments and types.
  const bare = transpilerOf(path).transformSync(code);
  const faults: string[] = [];
  if (!path.startsWith("config/") && /\b(process|Bun|import\.meta)\.env\b/.test(bare)) {
    faults.push("reads the environment: only config/ does");
  }
  if (/\.(toRoom|toUser|toList|toMerged)\(/.test(bare) && (isRoutes(path) || isQueries(path))) {
    faults.push("publishes: only actions do");
  }
  if (/^(let|var) /m.test(bare) && folderOf(path) !== "main.ts") {
    faults.push("keeps state in a module: only objects that compose.ts makes have state");
  }
  if (/\bnew Weak(Map|Set)\b/.test(bare)) faults.push("hides state in a WeakMap");
  if (transpilerOf(path).scan(code).exports.includes("default")) {
    faults.push("has a default export");
  }
  const lines = code.trimEnd().split("\n").length;
  if (lines > linesMax) faults.push(`has ${lines} lines, above ${linesMax}`);
  return faults;
}

function nameFault(path: string): string | undefined {
  const vague = /(^|[-_.])(utils?|helpers?|services?|managers?|common|misc|index)([-_.]|$)/i;
  const segment = path.split("/").find((part) => vague.test(part));
  return segment && `the name ${segment} says nothing`;
}

/** Specifiers of all imports and re-exports, those of types too, which the transpiler leaves out. */
function specifiersOf(path: string, code: string): string[] {
  const atRunTime = transpilerOf(path)
    .scanImports(code)
    .map((found) => found.path);
  const ofTypes = Array.from(
    code.matchAll(/^(?:import|export)\s[^"';]*?from\s+"([^"]+)"/gm),
    ([, specifier = ""]) => specifier,
  );
  // The client and the page may know types of the wire, which vanish before they run.
  const counted = elsewhere.has(folderOf(path)) ? atRunTime : [...atRunTime, ...ofTypes];
  return [...new Set(counted)];
}

/** A chain of imports that comes back to where it began. */
function cycleIn(imports: Map<string, string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (path: string, chain: string[]): string[] | undefined => {
    if (chain.includes(path)) return [...chain.slice(chain.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const specifier of imports.get(path) ?? []) {
      if (!specifier.startsWith(".")) continue;
      const cycle = visit(resolve(path, specifier), [...chain, path]);
      if (cycle) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of imports.keys()) {
    const cycle = visit(path, []);
    if (cycle) return cycle;
  }
  return undefined;
}

function faultsOf(tree: Tree): string[] {
  const imports = new Map(
    Object.entries(tree).map(([path, code]) => [path, specifiersOf(path, code)] as const),
  );
  const faults = Object.entries(tree).flatMap(([path, code]) => {
    const own = [
      ...(imports.get(path) ?? []).map((specifier) => importFault(path, specifier)),
      ...codeFaults(path, code),
      nameFault(path),
    ];
    return own.flatMap((fault) => (fault ? [`${path}: ${fault}`] : []));
  });
  const cycle = cycleIn(imports);
  if (cycle) faults.push(`${cycle.join(" → ")}: a cycle`);
  return faults;
}

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

  test("a cycle of two files, also of types", () => {
    const tree = { "chats/a.ts": type("./b.ts"), "chats/b.ts": used("./a.ts") };
    expect(faultsOf(tree)).toEqual(["chats/a.ts → chats/b.ts → chats/a.ts: a cycle"]);
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
});
