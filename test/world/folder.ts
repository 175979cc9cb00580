import { rmSync } from "node:fs";

/** The setting by which `bun run check` tells its workers that it removes all of their folders at its end. */
export const foldersSetting = "TEST_FOLDERS";

/**
 * Removes the folder of a database after a test. In `bun run check` it stays until the end: ext4 makes new files slowly for
 * a minute after many were deleted.
 */
export function removeFolder(path: string): void {
  if (process.env[foldersSetting] !== "kept") rmSync(path, { recursive: true, force: true });
}
