import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeSecret } from "./tokens.ts";

/**
 * The key that signs access tokens where none is set: made once and kept in `dataDir`, readable by its owner only, so
 * that tokens outlive a restart. Two servers that start at the same moment end with the same one.
 */
export async function keptSecretKey(dataDir: string): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, "secret-key");
  try {
    const file = await open(path, "wx", 0o600);
    await file.writeFile(makeSecret());
    await file.close();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const secret = (await readFile(path, "utf8")).trim();
  if (secret.length < 32)
    throw new Error(`${path} holds no secret key. Delete it, and a new one is made.`);
  return secret;
}
