import type { Config } from "../config/config.ts";
import type { FileStore } from "./file-store.ts";
import { FolderStore } from "./folder-store.ts";
import { S3Store } from "./s3-store.ts";

/** The store of the settings: a bucket if one is set, otherwise a folder. Nothing is read or written yet. */
export function openFileStore({ files }: Pick<Config, "files">): FileStore {
  return files.s3 ? new S3Store(files.s3, files.folder) : new FolderStore(files.folder);
}
