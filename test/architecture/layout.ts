// Where imports may point, and what each kind of file may do. Folders of src/ are ranked; an import points to a lower rank
// or stays in its own folder. Type imports count: a type that points the wrong way is a dependency, too.
// The client and the page run elsewhere: the server's code knows neither, and they know only types of the wire.
// No chain of imports comes back to where it began: not that of files, nor that of folders beside each other.
import { posix } from "node:path";
import { dependencies } from "../../package.json";
import { findCycle, type Imports } from "./cycles.ts";

export const linesMax = 250;

/** From left to right. Folders of one rank don't import each other. */
export const ranks: readonly (readonly string[])[] = [
  ["config", "wire", "schedule.ts", "semaphore.ts"],
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

/** The one file of the wire that the client imports at run time. It imports types only. */
const sharedWithClient = "wire/blank-message.ts";

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
export type Tree = Record<string, string>;

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
  if (target === sharedWithClient) return undefined;
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
  if (path === sharedWithClient && transpilerOf(path).scanImports(code).length > 0) {
    faults.push("imports something at run time: the client takes this file along");
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

/** Specifiers of the imports and re-exports that are left when the types are gone. */
function specifiersAtRunTime(path: string, code: string): string[] {
  return transpilerOf(path)
    .scanImports(code)
    .map((found) => found.path);
}

/** Specifiers of all imports and re-exports, those of types too, which the transpiler leaves out. */
function specifiersOf(path: string, code: string): string[] {
  const ofTypes = Array.from(
    code.matchAll(/^(?:import|export)\s[^"';]*?from\s+"([^"]+)"/gm),
    ([, specifier = ""]) => specifier,
  );
  return [...new Set([...specifiersAtRunTime(path, code), ...ofTypes])];
}

/** The faults of files of src/, each with its path. */
export function faultsOf(tree: Tree): string[] {
  const imports: Imports = new Map();
  const faults = Object.entries(tree).flatMap(([path, code]) => {
    const specifiers = specifiersOf(path, code);
    const relative = specifiers.filter((specifier) => specifier.startsWith("."));
    imports.set(
      path,
      relative.map((specifier) => resolve(path, specifier)),
    );
    // The client and the page may know types of the wire, which vanish before they run.
    const judged = elsewhere.has(folderOf(path)) ? specifiersAtRunTime(path, code) : specifiers;
    const own = [
      ...judged.map((specifier) => importFault(path, specifier)),
      ...codeFaults(path, code),
      nameFault(path),
    ];
    return own.flatMap((fault) => (fault ? [`${path}: ${fault}`] : []));
  });
  const cycle = findCycle(imports);
  if (cycle) faults.push(`${cycle.join(" → ")}: a cycle`);
  return faults;
}
