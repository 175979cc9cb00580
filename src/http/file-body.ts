import type { Context } from "hono";
import { Problem } from "../wire/problems.ts";

/** The body of a request, with the headers that say something about it. */
export interface Body {
  stream: ReadableStream<Uint8Array> | null;
  contentType: string;
  /** Undefined for a body in chunks. */
  length: number | undefined;
}

/** @throws Problem `unsupported_media_type` for a body with a Content-Encoding, which would be stored in place of the file */
export function bodyOf(c: Context): Body {
  const coding = c.req.header("content-encoding")?.trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "identity") {
    throw new Problem(
      "unsupported_media_type",
      "Send the bytes of the file as they are, without a Content-Encoding.",
    );
  }
  const length = c.req.header("content-length");
  return {
    stream: c.req.raw.body,
    contentType: c.req.header("content-type") ?? "",
    length: length === undefined ? undefined : Number(length),
  };
}
