// Where imports may point, and what each kind of file may do. Type-only imports vanish before anything runs, so they
// are free; the rest points to the left only:
//   config, wire → database, events, metrics, tracing → queries → actions → http, context → routes, socket → app → server → main
// The client stands apart: it runs elsewhere, so that it takes nothing along, and nobody here needs it.
// So does the page in web/: it is built on the client, and the server knows it as files to bundle.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { dependencies } from "../package.json";

const src = join(import.meta.dir, "../src");
const linesMax = 300;
const ranks = ["base", "store", "queries", "actions", "edge", "doors", "app", "server", "main"];

interface Place {
  rank: number;
  /** Places of one rank but of different rooms do not import each other. */
  room: string;
}

/** Relative path → code. */
type Tree = Record<string, string>;

const ts = new Bun.Transpiler({ loader: "ts" });
const tsx = new Bun.Transpiler({ loader: "tsx" });
const transpilerOf = (path: string) => (path.endsWith(".tsx") ? tsx : ts);
/** What the page is made of besides its own code. */
const isOfPage = (name: string) => /^(preact|marked|dompurify|temml)(\/|$)/.test(name);
/** The JSX of the page, as the transpiler spells it by itself. */
const jsxRuntime = /^react(\/jsx-(dev-)?runtime)?$/;

function rank(name: string): number {
  return ranks.indexOf(name);
}

function featuresOf(tree: Tree): Set<string> {
  const roles = Object.keys(tree).filter((path) => /^[^/]+\/(queries|actions)\.ts$/.test(path));
  return new Set(roles.map((path) => posix.dirname(path)));
}

function placeOf(path: string, features: Set<string>): Place | undefined {
  const folder = path.includes("/") ? posix.dirname(path) : "";
  const name = posix.basename(path, ".ts");
  if (folder === "") {
    if (["app", "server", "main"].includes(name)) return { rank: rank(name), room: name };
    if (name === "executable") return { rank: rank("main"), room: "main" };
    if (["config", "log", "schedule"].includes(name)) return { rank: rank("base"), room: name };
    if (name === "setting-kinds") return { rank: rank("base"), room: "config" };
    if (["context", "problems"].includes(name)) return { rank: rank("edge"), room: "http" };
    return undefined;
  }
  if (folder === "wire" || folder === "emulator") return { rank: rank("base"), room: folder };
  if (["database", "events", "metrics", "rates", "tracing"].includes(folder)) {
    return { rank: rank("store"), room: folder };
  }
  if (folder === "http" || folder === "docs") return { rank: rank("edge"), room: "http" };
  if (folder === "socket") return { rank: rank("doors"), room: "socket" };
  if (!features.has(folder)) return undefined;
  if (name === "routes") return { rank: rank("doors"), room: path };
  if (/(^|-)queries$/.test(name) || path === "messages/log.ts") {
    return { rank: rank("queries"), room: "features" };
  }
  return { rank: rank("actions"), room: "features" };
}

function importFault(path: string, specifier: string, features: Set<string>): string | undefined {
  if (path.startsWith("client/")) return clientFault(path, specifier);
  if (path.startsWith("web/")) return webFault(path, specifier);
  if (!specifier.startsWith(".")) return packageFault(path, specifier, features);
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  if (target === "../package.json") {
    return path === "config.ts" ? undefined : "only config.ts reads package.json";
  }
  if (target === "../db/cli.ts" && path === "executable.ts") return undefined;
  // What is served as it is, and no code of the server's.
  const isServed = target.startsWith("docs/files/") || target === "web/page.html";
  if (isServed && rank("edge") === placeOf(path, features)?.rank) return undefined;
  const from = placeOf(path, features);
  const to = placeOf(target, features);
  if (!from) return "has no place in the house: say in this test what it may import";
  if (!to) return `imports ${target}, which has no place in the house`;
  if (target.startsWith("emulator/") && !/^(emulator\/|main\.ts$)/.test(path)) {
    return "only main.ts starts the emulator";
  }
  if (from.rank === rank("queries") && to.room === "events") return "is SQL, and knows events";
  if (to.rank > from.rank) return `imports ${target}, which is to its right`;
  if (to.rank === from.rank && to.room !== from.room) return `imports ${target}, its neighbour`;
  return undefined;
}

/** What a server that was installed without the tools of development has. */
function isInstalled(name: string): boolean {
  if (/^(node|bun):/.test(name)) return true;
  return Object.keys(dependencies).some((own) => name === own || name.startsWith(`${own}/`));
}

/** Types of the wire are all that it may know, and they vanish. Its fault kit runs where there is `node:net`. */
function clientFault(path: string, specifier: string): string | undefined {
  if (path.startsWith("client/faults/") && specifier.startsWith("node:")) return undefined;
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  if (!specifier.startsWith(".") || !target.startsWith("client/")) {
    return `imports ${specifier}: the client takes nothing along`;
  }
  const isKit = (file: string) => file.startsWith("client/faults/");
  if (isKit(path) !== isKit(target)) return `imports ${target}: the fault kit is for any client`;
  return undefined;
}

/** Its visitors load all that it imports. Of the wire it may know types, and they vanish. */
function webFault(path: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) {
    const target = posix.normalize(posix.join(posix.dirname(path), specifier));
    if (/^(web|client)\//.test(target) && !target.startsWith("client/faults/")) return undefined;
  } else if (jsxRuntime.test(specifier) || (isInstalled(specifier) && isOfPage(specifier))) {
    return undefined;
  }
  return `imports ${specifier}, which is not for browsers`;
}

function packageFault(path: string, name: string, features: Set<string>): string | undefined {
  // log.ts does without it where it is missing.
  const isOptional = path === "log.ts" && name === "pino-pretty";
  if (!isInstalled(name) && !isOptional) return `imports ${name}, which is no dependency`;
  const place = placeOf(path, features);
  const isEdge = place !== undefined && place.rank >= rank("edge");
  if (path.startsWith("wire/") && name !== "zod") return `imports ${name}: wire/ imports zod only`;
  if (name === "@google/genai" && !/^bot\/gemini[^/]*\.ts$/.test(path)) {
    return "imports Gemini's SDK: only bot/gemini*.ts do";
  }
  if (/^(postgres|dbmate)$/.test(name) && !path.startsWith("database/")) {
    return `imports ${name}: only database/ does`;
  }
  if (name === "rate-limiter-flexible" && !path.startsWith("rates/")) {
    return `imports ${name}: only rates/ does`;
  }
  if (name === "jose" && path !== "auth/tokens.ts") return "imports jose: only auth/tokens.ts does";
  if (name === "prom-client" && !path.startsWith("metrics/")) {
    return `imports ${name}: only metrics/ does`;
  }
  if (name.startsWith("@opentelemetry/") && !path.startsWith("tracing/")) {
    return `imports ${name}: only tracing/ does`;
  }
  if (isOfPage(name)) return `imports ${name}: only the page in web/ does`;
  if (/^(@?hono|swagger-ui-dist)(\/|$)/.test(name) && !isEdge) {
    return `imports ${name}: only what answers HTTP does`;
  }
  return undefined;
}

function codeFaults(path: string, code: string, features: Set<string>): string[] {
  // Without comments and types.
  const bare = transpilerOf(path).transformSync(code);
  const faults: string[] = [];
  if (path !== "config.ts" && /\b(process|Bun|import\.meta)\.env\b/.test(bare)) {
    faults.push("reads the environment: only config.ts does");
  }
  if (/\bctx\.publish\(/.test(bare) && placeOf(path, features)?.rank !== rank("actions")) {
    faults.push("publishes: only actions do");
  }
  if (transpilerOf(path).scan(code).exports.includes("default"))
    faults.push("has a default export");
  const lines = code.trimEnd().split("\n").length;
  if (lines > linesMax) faults.push(`has ${lines} lines, above ${linesMax}`);
  return faults;
}

function nameFault(path: string): string | undefined {
  const vague = /(^|[-_.])(utils?|helpers?|services?|managers?|common|misc|index)([-_.]|$)/i;
  const segment = path.split("/").find((part) => vague.test(part));
  return segment && `the name ${segment} says nothing`;
}

function importsOf(tree: Tree): Map<string, string[]> {
  const scanned = Object.entries(tree).map(([path, code]): [string, string[]] => [
    path,
    transpilerOf(path)
      .scanImports(code)
      .map((found) => found.path),
  ]);
  return new Map(scanned);
}

/** A chain of imports that comes back to where it began. */
function cycleIn(imports: Map<string, string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const specifier of imports.get(path) ?? []) {
      if (!specifier.startsWith(".")) continue;
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      const cycle = visit(target, [...trail, path]);
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
  const features = featuresOf(tree);
  const imports = importsOf(tree);
  const faults = Object.entries(tree).flatMap(([path, code]) => {
    const own = [
      ...(imports.get(path) ?? []).map((specifier) => importFault(path, specifier, features)),
      ...codeFaults(path, code, features),
      nameFault(path),
    ];
    return own.flatMap((fault) => (fault ? [`${path}: ${fault}`] : []));
  });
  const cycle = cycleIn(imports);
  if (cycle) faults.push(`${cycle.join(" → ")}: a circle`);
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

test("the source keeps to the house's rules", () => {
  const tree = readTree();
  expect(Object.keys(tree).length).toBeGreaterThan(50);
  expect(faultsOf(tree)).toEqual([]);
});

describe("the check notices", () => {
  const used = (specifier: string) => `import { x } from "${specifier}"; console.log(x);`;
  const feature = { "chats/queries.ts": "", "chats/actions.ts": "", "users/actions.ts": "" };

  test.each<[what: string, path: string, code: string]>([
    ["a query that knows an action", "chats/queries.ts", used("./actions.ts")],
    ["a query that knows events", "chats/queries.ts", used("../events/rooms.ts")],
    ["an action that knows a route", "chats/actions.ts", used("./routes.ts")],
    ["an action that knows sockets", "chats/actions.ts", used("../socket/sockets.ts")],
    ["an action that knows HTTP", "chats/actions.ts", used("../http/edge.ts")],
    ["an action that knows Hono", "chats/actions.ts", used("hono")],
    ["tokens that are read elsewhere", "http/signed-in.ts", used("jose")],
    ["a feature with another's routes", "chats/routes.ts", used("../users/routes.ts")],
    ["a socket that knows routes", "socket/handler.ts", used("../users/routes.ts")],
    ["events that know the database", "events/rooms.ts", used("../database/connect.ts")],
    ["a database that knows events", "database/connect.ts", used("../events/rooms.ts")],
    ["a wire that knows the settings", "wire/users.ts", used("../config.ts")],
    ["a wire with another package", "wire/users.ts", used("pino")],
    ["anything that knows the start", "socket/handler.ts", used("../main.ts")],
    ["an app that knows its server", "app.ts", used("./server.ts")],
    ["a tool of development", "http/edge.ts", used("fast-check")],
    ["Gemini's SDK elsewhere", "bot/replies.ts", used("@google/genai")],
    ["the metrics' library elsewhere", "http/metrics.ts", used("prom-client")],
    ["the spans' library elsewhere", "bot/asking.ts", used("@opentelemetry/api")],
    ["metrics that know events", "metrics/prometheus.ts", used("../events/rooms.ts")],
    ["the database's driver elsewhere", "chats/queries.ts", used("postgres")],
    ["the limiter elsewhere", "auth/actions.ts", used("rate-limiter-flexible")],
    ["the emulator in a feature", "chats/actions.ts", used("../emulator/server.ts")],
    ["an import that waits", "chats/actions.ts", 'await import("../socket/sockets.ts");'],
    ["a re-export", "chats/queries.ts", 'export { x } from "./actions.ts";'],
    ["a reader of the environment", "log.ts", "console.log(process.env.LOG_LEVEL);"],
    ["Bun's way to the environment", "server.ts", "console.log(Bun.env.PORT);"],
    ["a query that publishes", "chats/queries.ts", "ctx.publish(topic, frame);"],
    ["a route that publishes", "chats/routes.ts", "ctx.publish(topic, frame);"],
    ["a default export", "chats/actions.ts", "export default 1;"],
    ["a long file", "chats/actions.ts", "console.log(1);\n".repeat(linesMax + 1)],
    ["a vague file", "chats/utils.ts", ""],
    ["a vague suffix", "chats/chat-service.ts", ""],
    ["a barrel", "chats/index.ts", ""],
    ["a vague folder", "helpers/actions.ts", ""],
    ["a folder nobody knows", "cache/memory.ts", used("../config.ts")],
    ["a circle", "users/actions.ts", used("./actions.ts")],
    ["a client with the wire at run time", "client/room.ts", used("../wire/frames.ts")],
    ["a client with a package", "client/room.ts", used("zod")],
    ["a client with Node's modules", "client/room.ts", used("node:net")],
    ["a client with the fault kit", "client/room.ts", used("./faults/proxy.ts")],
    ["a fault kit for one client only", "client/faults/proxy.ts", used("../room.ts")],
    ["a page with the wire at run time", "web/room.tsx", used("../wire/frames.ts")],
    ["a page with the server's code", "web/room.tsx", used("../messages/join.ts")],
    ["a page with the fault kit", "web/room.tsx", used("../client/faults/proxy.ts")],
    ["a page with a package of the server", "web/room.tsx", used("hono")],
    ["a server with a package of the page", "http/page.ts", used("preact")],
    ["a server that knows the page", "http/page.ts", used("../web/markdown.tsx")],
    ["a server that knows the client", "socket/handler.ts", used("../client/room.ts")],
  ])("%s", (_, path, code) => {
    const tree = { ...feature, [path]: code };
    expect(faultsOf(tree).map((fault) => fault.split(":")[0])).toContain(
      path === "users/actions.ts" ? `${path} → ${path}` : path,
    );
  });

  test.each<[what: string, path: string, code: string]>([
    ["a type from the right", "chats/queries.ts", 'import type { X } from "./routes.ts";'],
    ["another feature's action", "chats/actions.ts", used("../users/actions.ts")],
    ["another feature's query", "users/actions.ts", used("../chats/queries.ts")],
    ["an action behind a route", "chats/routes.ts", used("./actions.ts")],
    ["an action that publishes", "chats/actions.ts", "ctx.publish(topic, frame);"],
    ["the environment in a comment", "log.ts", "// process.env is read by config.ts"],
    ["signatures in the tokens", "auth/tokens.ts", used("jose")],
    ["the wire's types in the client", "client/room.ts", 'import type { X } from "../wire/x.ts";'],
    ["a page on the client", "web/room.tsx", used("../client/client.ts")],
    [
      "a page that is drawn",
      "web/room.tsx",
      'import { render } from "preact"; render(<p />, root);',
    ],
    ["the network in the fault kit", "client/faults/proxy.ts", used("node:net")],
  ])("nothing wrong with %s", (_, path, code) => {
    const auth = { "auth/actions.ts": "" };
    expect(faultsOf({ ...feature, ...auth, [path]: code })).toEqual([]);
  });
});
