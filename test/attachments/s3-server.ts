// An S3-speaking server as a process.
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../world/free-port.ts";
import { removeFolder } from "../world/folder.ts";

const program = join(import.meta.dir, "../s3-server/node_modules/.bin/s3rver");
export const isInstalled = existsSync(program);

/** Starts the server with one bucket; its credentials are those that s3rver knows. */
export async function startS3Server() {
  const folder = mkdtempSync(join(tmpdir(), "gemini-coop-s3-"));
  const port = freePort();
  const child = Bun.spawn(
    [
      process.execPath,
      program,
      "-d",
      folder,
      "-a",
      "127.0.0.1",
      "-p",
      String(port),
      "--configure-bucket",
      "files",
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  while (!(await answers(port))) await Bun.sleep(10);
  const env = {
    S3_ENDPOINT: `http://127.0.0.1:${port}`,
    S3_BUCKET: "files",
    S3_REGION: "us-east-1",
    S3_ACCESS_KEY_ID: "S3RVER",
    S3_SECRET_ACCESS_KEY: "S3RVER",
  };
  return {
    env,
    folder,
    async stop() {
      child.kill();
      await child.exited;
      removeFolder(folder);
    },
  };
}

async function answers(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );
}
