import { existsSync } from "node:fs";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeSecret } from "./access-tokens.ts";

/**
 * The key that signs access tokens where none is set: made once and kept in `dataDir`, readable by its owner only, so
 * that tokens outlive a restart. Two servers that start at the same moment end with the same one.
 */
export async function keptSecretKey(dataDir: string): Promise<string> {
  const path = join(dataDir, "secret-key");
  if (!existsSync(path)) {
    await mkdir(dataDir, { recursive: true });
    await makeKey(path);
  }
  const secret = (await readFile(path, "utf8")).trim();
  if (secret.length < 32)
    throw new Error(`${path} holds no secret key. Delete it, and a new one is made.`);
  return secret;
}

/** The file appears whole or not at all, and never in place of another: a link fails where one is. */
async function makeKey(path: string): Promise<void> {
  const made = `${path}.${crypto.randomUUID()}`;
  try {
    await writeFile(made, makeSecret(), { mode: 0o600, flush: true });
    await link(made, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(made, { force: true });
  }
}
