// Cycles of imports: of files, and of the files and folders that stand in one folder.
import { posix } from "node:path";

/** Path → the paths that it imports. */
export type Imports = Map<string, string[]>;

/** A chain of imports that comes back to where it began. */
function cycleIn(imports: Imports): string[] | undefined {
  const done = new Set<string>();
  const visit = (path: string, chain: string[]): string[] | undefined => {
    if (chain.includes(path)) return [...chain.slice(chain.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const target of imports.get(path) ?? []) {
      const cycle = visit(target, [...chain, path]);
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

/** All folders that have files, and those above them. */
function foldersOf(paths: Iterable<string>): string[] {
  const above = (path: string): string[] => {
    const folder = posix.dirname(path);
    return folder === "." ? [] : [folder, ...above(folder)];
  };
  return [...new Set([...paths].flatMap(above))];
}

/** The imports between the files and the folders that stand in a folder: each of its folders counts as one. */
function importsWithin(folder: string, imports: Imports): Imports {
  const childOf = (path: string) =>
    path.startsWith(`${folder}/`)
      ? path.split("/", folder.split("/").length + 1).join("/")
      : undefined;
  const within: Imports = new Map();
  for (const [path, targets] of imports) {
    const child = childOf(path);
    if (child === undefined) continue;
    const others = targets.flatMap((target) => childOf(target) ?? []);
    within.set(child, [...(within.get(child) ?? []), ...others.filter((other) => other !== child)]);
  }
  return within;
}

/** A cycle of files, or else one of the folders and files in a folder. */
export function findCycle(imports: Imports): string[] | undefined {
  const folders = foldersOf(imports.keys());
  for (const graph of [imports, ...folders.map((folder) => importsWithin(folder, imports))]) {
    const cycle = cycleIn(graph);
    if (cycle) return cycle;
  }
  return undefined;
}
