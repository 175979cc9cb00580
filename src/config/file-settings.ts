// The settings of files, some of which need others.
import { join } from "node:path";
import type { Environment } from "./environment.ts";
import type { ScanAddress } from "./setting-types.ts";

export interface FileSettings {
  /** Most bytes of one file. */
  readonly bytesMax: number;
  /** Bytes that a person may upload, and that may be uploaded to a chat, in a day (UTC); 0 for no limit. */
  readonly userDayBytes: number;
  readonly chatDayBytes: number;
  /** Where files are kept without a bucket. Servers with the same database need the same folder. */
  readonly folder: string;
  /** Undefined: files are kept in the folder. */
  readonly s3: S3Settings | undefined;
  /** The daemon that scans uploads; undefined: they are not scanned. */
  readonly scan: ScanSettings | undefined;
}

export type { ScanAddress } from "./setting-types.ts";

export interface ScanSettings {
  readonly address: ScanAddress;
  /** Whether files are taken that could not be scanned. */
  readonly allowsFailure: boolean;
}

export interface S3Settings {
  /** Undefined: Amazon's. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Whether clients download from the store itself, by signed addresses. */
  readonly isSigned: boolean;
}

/** @returns the faults of an environment, one sentence each */
export function fileFaults(env: Record<string, string | undefined>): string[] {
  if (env.S3_BUCKET) {
    return ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"]
      .filter((name) => !env[name])
      .map((name) => `${name}: must be set, because S3_BUCKET is`);
  }
  const faults: string[] = [];
  // Otherwise files would be kept in a folder, which may go with its container.
  const given = ["S3_ENDPOINT", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"].find(
    (name) => env[name],
  );
  if (given !== undefined) faults.push(`S3_BUCKET: must be set, because ${given} is`);
  if (env.FILES_VIA === "signed") {
    faults.push("FILES_VIA: signed needs an S3 store; set S3_BUCKET, or choose proxy");
  }
  return faults;
}

export function filesOf(values: Environment): FileSettings {
  return Object.freeze({
    bytesMax: values.FILE_BYTES_MAX,
    userDayBytes: values.FILE_BYTES_PER_USER_DAY,
    chatDayBytes: values.FILE_BYTES_PER_CHAT_DAY,
    folder: values.FILES_DIR ?? join(values.DATA_DIR, "files"),
    s3: s3Of(values),
    scan: values.SCAN_URL && {
      address: values.SCAN_URL,
      allowsFailure: values.SCAN_FAILURE === "allow",
    },
  });
}

function s3Of(values: Environment): S3Settings | undefined {
  const { S3_BUCKET: bucket, S3_ACCESS_KEY_ID: accessKeyId } = values;
  const { S3_SECRET_ACCESS_KEY: secretAccessKey } = values;
  // The faults above have refused a bucket without its keys.
  if (!bucket || !accessKeyId || !secretAccessKey) return undefined;
  return Object.freeze({
    endpoint: values.S3_ENDPOINT,
    region: values.S3_REGION,
    bucket,
    accessKeyId,
    secretAccessKey,
    isSigned: values.FILES_VIA === "signed",
  });
}
