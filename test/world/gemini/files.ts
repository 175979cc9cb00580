// The Files API of the emulator (https://ai.google.dev/api/files): resumable uploads, states, expiry and deletion. It refuses what
// Google refuses: other offsets, other sizes, names that exist, and requests that name a file which is not there or not ready.
import { z } from "zod";
import { refuse, type RefusalScript } from "./script.ts";

const keptMs = 48 * 60 * 60 * 1_000;

export interface EmulatedFile {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  state: "PROCESSING" | "ACTIVE" | "FAILED";
  /** Looks at the file after which it leaves the state PROCESSING, for `processedAs`. */
  looksLeft: number;
  processedAs: "ACTIVE" | "FAILED";
  expiresAt: number;
}

interface Upload {
  name: string;
  mediaType: string;
  size: number;
  bytes: Buffer;
}

const StartBody = z.object({
  file: z
    .object({
      name: z
        .string()
        .regex(/^files\/[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/)
        .optional(),
      mimeType: z.string().optional(),
    })
    .optional(),
});

/** The outcome of the next upload. */
export interface UploadFate {
  /** An HTTP error of its first request. */
  refusal?: RefusalScript;
  /** Its first request waits for it. */
  until?: () => PromiseLike<unknown>;
  /** Its last request, with the bytes, waits for it. */
  untilStored?: () => PromiseLike<unknown>;
  looks?: number;
  processedAs?: "ACTIVE" | "FAILED";
}

export class EmulatedFiles {
  readonly #files = new Map<string, EmulatedFile>();
  readonly #uploads = new Map<string, Upload>();
  readonly #fates: UploadFate[] = [];
  readonly #fateOf = new Map<string, UploadFate>();
  readonly #origin: () => string;
  /** Names of all files that were uploaded, in order. */
  readonly uploaded: string[] = [];
  /** Names of all files that were deleted by a request, in order. */
  readonly deleted: string[] = [];
  /** Errors of the next deletions. */
  readonly deletionRefusals: RefusalScript[] = [];

  constructor(origin: () => string) {
    this.#origin = origin;
  }

  /** Queues what the next uploads meet. */
  meet(...fates: UploadFate[]): void {
    this.#fates.push(...fates);
  }

  /** The files that are there, by their names. */
  get all(): ReadonlyMap<string, EmulatedFile> {
    return this.#files;
  }

  /** Lets every file expire, as Google does after 48 hours. */
  expireAll(): void {
    this.#files.clear();
  }

  /** Answers a request of the Files API. @returns undefined for another request */
  async answer(request: Request, url: URL): Promise<Response | undefined> {
    if (/^\/upload\/v1(beta)?\/files$/.test(url.pathname) && request.method === "POST") {
      const id = url.searchParams.get("upload_id");
      return id === null ? await this.#start(request) : await this.#receive(request, id);
    }
    const [, name] = /^\/v1(?:beta)?\/(files\/[\w-]+)$/.exec(url.pathname) ?? [];
    if (name === undefined) return undefined;
    if (request.method === "GET") return this.#get(name);
    if (request.method === "DELETE") return this.#delete(name);
    return undefined;
  }

  /** @returns why Google refuses a request with a file's address */
  fault(uri: string, mediaType: string | undefined): RefusalScript | undefined {
    const name = new URL(uri).pathname.replace(/^\/v1(beta)?\//, "");
    const file = this.#files.get(name);
    if (!file) return missing(name);
    if (file.state !== "ACTIVE") {
      const message = `The File ${name} is not in an ACTIVE state and usage is not allowed.`;
      return refuse(400, { message, status: "FAILED_PRECONDITION" });
    }
    if (mediaType !== undefined && mediaType !== file.mediaType) {
      return refuse(400, { message: `The MIME type of the file ${name} is ${file.mediaType}.` });
    }
    return undefined;
  }

  async #start(request: Request): Promise<Response> {
    const fate = this.#fates.shift() ?? {};
    await fate.until?.();
    if (fate.refusal) return asResponse(fate.refusal);
    const header = (name: string) => request.headers.get(`X-Goog-Upload-${name}`);
    if (header("Protocol") !== "resumable" || header("Command") !== "start") {
      return invalid("An upload begins with the protocol resumable and the command start.");
    }
    const size = Number(header("Header-Content-Length"));
    const mediaType = header("Header-Content-Type") ?? "";
    const body = StartBody.safeParse(await request.json());
    if (!body.success || !Number.isSafeInteger(size) || size <= 0 || mediaType === "") {
      return invalid("The upload has no size, type, or proper name.");
    }
    const name = body.data.file?.name ?? `files/${crypto.randomUUID().slice(0, 12)}`;
    if (this.#files.has(name)) {
      return asResponse(refuse(409, { message: `File ${name} exists.`, status: "ALREADY_EXISTS" }));
    }
    const id = crypto.randomUUID();
    this.#uploads.set(id, { name, mediaType, size, bytes: Buffer.alloc(0) });
    this.#fateOf.set(name, fate);
    return new Response("", {
      headers: {
        "X-Goog-Upload-URL": `${this.#origin()}/upload/v1beta/files?upload_id=${id}`,
        "X-Goog-Upload-Status": "active",
      },
    });
  }

  async #receive(request: Request, id: string): Promise<Response> {
    const upload = this.#uploads.get(id);
    if (!upload) return asResponse(refuse(404, { message: "There is no such upload." }));
    const command = request.headers.get("X-Goog-Upload-Command");
    const offset = Number(request.headers.get("X-Goog-Upload-Offset"));
    if (offset !== upload.bytes.length) return invalid(`The offset is ${upload.bytes.length}.`);
    upload.bytes = Buffer.concat([upload.bytes, Buffer.from(await request.arrayBuffer())]);
    if (upload.bytes.length > upload.size) return invalid("The upload is longer than it said.");
    if (command === "upload") {
      return new Response("", { headers: { "X-Goog-Upload-Status": "active" } });
    }
    if (command !== "upload, finalize" || upload.bytes.length !== upload.size) {
      return invalid("The upload is finalized with another size, or not at all.");
    }
    this.#uploads.delete(id);
    const { name, mediaType, bytes } = upload;
    await this.#fateOf.get(name)?.untilStored?.();
    const { looks = 0, processedAs = "ACTIVE" } = this.#fateOf.get(name) ?? {};
    this.#files.set(name, {
      name,
      mediaType,
      bytes,
      state: looks > 0 ? "PROCESSING" : processedAs,
      looksLeft: looks,
      processedAs,
      expiresAt: Date.now() + keptMs,
    });
    this.uploaded.push(name);
    const headers = { "X-Goog-Upload-Status": "final" };
    return Response.json({ file: this.#resource(name) }, { headers });
  }

  #get(name: string): Response {
    const file = this.#files.get(name);
    if (!file) return asResponse(missing(name));
    file.looksLeft -= 1;
    if (file.state === "PROCESSING" && file.looksLeft <= 0) file.state = file.processedAs;
    return Response.json(this.#resource(name));
  }

  #delete(name: string): Response {
    const refusal = this.deletionRefusals.shift();
    if (refusal) return asResponse(refusal);
    if (!this.#files.delete(name)) return asResponse(missing(name));
    this.deleted.push(name);
    return Response.json({});
  }

  #resource(name: string) {
    const file = this.#files.get(name);
    if (!file) throw new Error(`${name} is not there`);
    return {
      name,
      mimeType: file.mediaType,
      sizeBytes: String(file.bytes.length),
      createTime: new Date().toISOString(),
      expirationTime: new Date(file.expiresAt).toISOString(),
      uri: `${this.#origin()}/v1beta/${name}`,
      state: file.state,
      source: "UPLOADED",
    };
  }
}

/** Google does not tell a file that is gone from one of another project. */
const missing = (name: string) =>
  refuse(403, {
    message: `You do not have permission to access the File ${name.slice("files/".length)} or it may not exist.`,
  });

const invalid = (message: string) => asResponse(refuse(400, { message }));

const asResponse = ({ status, headers, body }: RefusalScript) =>
  new Response(body, { status, headers });
