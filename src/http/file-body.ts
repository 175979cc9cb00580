import type { Context } from "hono";

/** The body of a request, with the headers that say something about it. */
export interface Body {
  stream: ReadableStream<Uint8Array> | null;
  contentType: string;
  /** Undefined for a body in chunks. */
  length: number | undefined;
}

export function bodyOf(c: Context): Body {
  const length = c.req.header("content-length");
  return {
    stream: c.req.raw.body,
    contentType: c.req.header("content-type") ?? "",
    length: length === undefined ? undefined : Number(length),
  };
}
