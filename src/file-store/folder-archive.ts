// The folder of files as one archive in the format of tar (POSIX ustar), which `tar` reads, too.
import { createReadStream, existsSync, readdirSync } from "node:fs";
import { mkdir, open, rename, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { withPartialFile } from "../database/backup/partial-file.ts";

const blockBytes = 512;
/** The names of the store's files, with their two levels of folders. Nothing else is archived or extracted. */
const namePattern = /^[\da-z-]{2}\/[\da-z-]{2}\/[\da-z-]{5,60}$/;

/**
 * Archives all files of the store's folder. The archive appears whole or not at all, and only its owner can read it.
 * @returns the number of files
 * @throws Error when the archive exists, or cannot be written
 */
export async function archiveFolder(folder: string, path: string): Promise<number> {
  if (existsSync(path)) throw new Error(`${path} exists already: choose another name.`);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return withPartialFile(path, async (partial) => {
    const count = await writeArchive(folder, partial);
    await rename(partial, path);
    return count;
  });
}

async function writeArchive(folder: string, path: string): Promise<number> {
  const archive = await open(path, "wx", 0o600);
  let count = 0;
  try {
    for (const name of namesIn(folder)) {
      if (await addFile(archive, join(folder, name), name)) count += 1;
    }
    await archive.write(Buffer.alloc(2 * blockBytes));
    await archive.sync();
    return count;
  } finally {
    await archive.close();
  }
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => namePattern.test(name));
}

/** @returns false for a file that was removed meanwhile */
async function addFile(archive: FileHandle, path: string, name: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
  if (!file) return false;
  try {
    const { size } = await file.stat();
    await archive.write(headerOf(name, size));
    let written = 0;
    const buffer = Buffer.alloc(1024 * 1024);
    while (written < size) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - written));
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
      await archive.write(buffer.subarray(0, bytesRead));
      written += bytesRead;
    }
    await archive.write(Buffer.alloc(padding(size)));
    return true;
  } finally {
    await file.close();
  }
}

const padding = (size: number) => (blockBytes - (size % blockBytes)) % blockBytes;

function headerOf(name: string, size: number): Buffer {
  const header = Buffer.alloc(blockBytes);
  header.write(name, 0);
  header.write("0000600\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  if (size < 8 ** 11) header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  else {
    // Above 8 GiB: the extension of GNU and star, which POSIX tools read.
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.write("00000000000\0", 136);
  header.write("0", 156);
  header.write("ustar\0", 257);
  header.write("00", 263);
  header.write(`${checksumOf(header).toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** The sum of a header's bytes, with spaces in place of the sum itself. */
function checksumOf(header: Buffer): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}

function sizeIn(header: Buffer): number {
  if (header[124] === 0x80) return Number(header.readBigUInt64BE(128));
  return Number.parseInt(header.toString("latin1", 124, 135), 8);
}

/**
 * Extracts an archive of {@link archiveFolder}. Files that are there already stay as they are.
 * @returns the number of files in the archive
 * @throws Error when it is no whole archive; the files before the fault are extracted
 */
export async function extractFolder(path: string, folder: string): Promise<number> {
  const { size: archiveSize } = await stat(path);
  const archive = await open(path);
  const header = Buffer.alloc(blockBytes);
  let at = 0;
  let count = 0;
  try {
    for (;;) {
      const { bytesRead } = await archive.read(header, 0, blockBytes, at);
      if (bytesRead < blockBytes) throw new Error(`${path} is cut off.`);
      if (header.every((byte) => byte === 0)) return count;
      const name = header.toString("latin1", 0, header.indexOf(0));
      const size = sizeIn(header);
      const sum = Number.parseInt(header.toString("latin1", 148, 154), 8);
      if (sum !== checksumOf(header) || !namePattern.test(name) || !Number.isSafeInteger(size)) {
        throw new Error(`${path} is not an archive of files, or was changed.`);
      }
      at += blockBytes;
      if (at + size > archiveSize) throw new Error(`${path} is cut off.`);
      await extractFile(path, { start: at, size }, join(folder, name));
      at += size + padding(size);
      count += 1;
    }
  } finally {
    await archive.close();
  }
}

async function extractFile(
  archive: string,
  { start, size }: { start: number; size: number },
  path: string,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const partial = `${path}.partial`;
  if (existsSync(path)) return;
  const file = await open(partial, "w", 0o600);
  try {
    if (size > 0) {
      for await (const chunk of createReadStream(archive, { start, end: start + size - 1 })) {
        await file.write(chunk);
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
}
