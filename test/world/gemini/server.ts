// A small server that speaks Gemini's REST on loopback (https://ai.google.dev/api/generate-content) and plays the tests'
// scripts. The real SDK talks to it, so it must behave as Gemini does.
import { z } from "zod";
import { demonstrationPieces, estimateTokens } from "../../../src/model/demonstration.ts";
import { EmulatedFiles } from "./files.ts";
import { arrayFraming, objectFraming, sseFraming, type Framing } from "./framing.ts";
import {
  answer,
  event,
  pause,
  refuse,
  type AnswerScript,
  type RefusalScript,
  type Script,
  type Step,
} from "./script.ts";

const bodyBytesMax = 20 * 1024 * 1024;
/**
 * Bun drops what is not yet written when a stream fails, and its client what is not yet read. Measured with one wait and
 * an idle machine: 1 ms lost 1 of 200 last chunks, 10 ms none; with a load of 15 on two cores 10 of 300, with three
 * waits 2, with six none. Several, since a timer that is late comes before the sockets' turn.
 */
const cutDelayMs = 10;
const cutWaits = 6;

/** A part is a text, bytes in base64, or the address of a file. */
const Part = z
  .looseObject({
    text: z.string().optional(),
    inlineData: z.object({ mimeType: z.string(), data: z.base64() }).optional(),
    fileData: z.object({ mimeType: z.string().optional(), fileUri: z.url() }).optional(),
  })
  .refine(({ text, inlineData, fileData }) => {
    return [text, inlineData, fileData].filter((data) => data !== undefined).length <= 1;
  }, "A part has one kind of data.");

const Content = z.looseObject({
  role: z.enum(["user", "model"]).optional(),
  parts: z.array(Part).min(1),
});

/** https://ai.google.dev/api/generate-content#generationconfig, and the ranges that Gemini refuses to leave. */
const GenerationConfig = z.looseObject({
  temperature: z.number().min(0).max(2).optional(),
  maxOutputTokens: z.int().min(1).optional(),
  responseModalities: z.array(z.enum(["TEXT", "IMAGE"])).optional(),
  thinkingConfig: z
    .looseObject({
      thinkingBudget: z.int().min(-1).optional(),
      includeThoughts: z.boolean().optional(),
    })
    .optional(),
});

const GenerateBody = z.looseObject({
  contents: z.array(Content).min(1),
  systemInstruction: Content.optional(),
  generationConfig: GenerationConfig.optional(),
  tools: z.array(z.looseObject({ googleSearch: z.looseObject({}).optional() })).optional(),
});
export type GenerateBody = z.infer<typeof GenerateBody>;

const CountTokensBody = z
  .looseObject({
    contents: z.array(Content).optional(),
    generateContentRequest: GenerateBody.optional(),
  })
  .transform((body) => body.generateContentRequest ?? { contents: body.contents ?? [] });

export interface ReceivedRequest {
  readonly model: string;
  readonly method: "streamGenerateContent" | "generateContent";
  readonly headers: Headers;
  /** Unknown members are kept. */
  readonly body: GenerateBody;
  /** Aborts when the client goes before the answer's end. */
  readonly aborted: AbortSignal;
}

export interface Emulator {
  /** The value for GEMINI_BASE_URL. */
  readonly url: string;
  readonly files: EmulatedFiles;
  /** The newest generate requests, oldest first. */
  readonly requests: readonly ReceivedRequest[];
  /** The nth generate request (the first is 1), as soon as it is there. It must not have left {@link requests}. */
  received(nth: number): Promise<ReceivedRequest>;
  /** Queues scripts, or functions that make them of the request, one for each of the next generate requests. */
  respondWith(...scripts: (Script | ScriptOf)[]): void;
  /** Drops the scripts that are still queued. */
  forgetScripts(): void;
  /** Breaks all connections. */
  stop(): Promise<void>;
}

export type ScriptOf = (request: ReceivedRequest) => Script;

export interface EmulatorOptions {
  /** 0, the default, takes a free one. */
  port?: number;
  /** Answers when no script is queued; undefined falls back to the demonstration. */
  script?: (request: ReceivedRequest) => Script | undefined;
  /** Before each piece of the demonstration, in milliseconds. */
  pieceDelayMs?: number;
  requestsKeptMax?: number;
}

/**
 * Starts the emulator on 127.0.0.1.
 * @throws when the port is taken.
 */
export function startGeminiEmulator(options: EmulatorOptions = {}): Emulator {
  const { port = 0, script, pieceDelayMs = 50, requestsKeptMax = 100 } = options;
  const queue: (Script | ScriptOf)[] = [];
  const requests: ReceivedRequest[] = [];
  const awaited = new Map<number, PromiseWithResolvers<ReceivedRequest>>();
  const files: EmulatedFiles = new EmulatedFiles(() => server.url.origin);
  let count = 0;

  function keep(received: ReceivedRequest) {
    requests.push(received);
    if (requests.length > requestsKeptMax) requests.shift();
    count += 1;
    awaited.get(count)?.resolve(received);
    awaited.delete(count);
  }

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    development: false,
    idleTimeout: 0, // scripts may be silent for longer than any timeout
    maxRequestBodySize: bodyBytesMax,
    async fetch(request) {
      const url = new URL(request.url);
      const answered = await files.answer(request, url);
      if (answered) return answered;
      const call = parsePath(url.pathname);
      if (!call || request.method !== "POST") {
        return refused(refuse(404, { message: "The requested URL was not found on this server." }));
      }
      const json = await readJson(request);
      if (call.method === "countTokens") return countTokens(json);

      const body = GenerateBody.safeParse(json);
      if (!body.success) return refused(invalid(body.error));
      const fault = fileFault(files, body.data);
      if (fault) return refused(fault);
      const { model, method } = call;
      if (asksForPictures(body.data) && !model.includes("image")) {
        return refused(
          refuse(400, { message: "Model does not support the response modality IMAGE." }),
        );
      }
      const { headers, signal: aborted } = request;
      const received = { model, method, headers, body: body.data, aborted };
      const chosen =
        scriptOf(queue.shift(), received) ??
        script?.(received) ??
        demonstration(body.data, { pieceDelayMs, model });
      keep(received);
      if (chosen.kind === "refusal") return refused(chosen);
      const isSse = url.searchParams.get("alt") === "sse";
      return streamed(chosen, framingOf(method, isSse), aborted);
    },
  });

  return {
    url: server.url.origin,
    files,
    requests,
    async received(nth) {
      const kept = requests[nth - 1 - (count - requests.length)];
      if (nth <= count) {
        if (!kept) throw new RangeError(`request ${nth} is no longer kept`);
        return kept;
      }
      const waiting = awaited.get(nth) ?? Promise.withResolvers<ReceivedRequest>();
      awaited.set(nth, waiting);
      return waiting.promise;
    },
    respondWith: (...scripts) => void queue.push(...scripts),
    forgetScripts: () => void queue.splice(0),
    stop: () => server.stop(true),
  };
}

function scriptOf(
  queued: Script | ScriptOf | undefined,
  request: ReceivedRequest,
): Script | undefined {
  return typeof queued === "function" ? queued(request) : queued;
}

const paths =
  /^\/v1(?:beta)?\/models\/([\w.-]+):(streamGenerateContent|generateContent|countTokens)$/;
const Method = z.enum(["streamGenerateContent", "generateContent", "countTokens"]);

function parsePath(path: string) {
  const [, model, method] = paths.exec(path) ?? [];
  return model ? { model, method: Method.parse(method) } : undefined;
}

async function readJson(request: Request): Promise<unknown> {
  const text = await request.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no body's schema accepts it
  }
}

function invalid(error: z.ZodError): RefusalScript {
  const [issue] = error.issues;
  const where = issue?.path.join(".") || "body";
  return refuse(400, { message: `Invalid JSON payload received. ${where}: ${issue?.message}` });
}

const asksForPictures = ({ generationConfig }: GenerateBody) =>
  generationConfig?.responseModalities?.includes("IMAGE") ?? false;

function fileFault(files: EmulatedFiles, { contents }: GenerateBody): RefusalScript | undefined {
  for (const { fileData } of contents.flatMap(({ parts }) => parts)) {
    const fault = fileData && files.fault(fileData.fileUri, fileData.mimeType);
    if (fault) return fault;
  }
  return undefined;
}

function countTokens(json: unknown): Response {
  const body = CountTokensBody.safeParse(json);
  if (!body.success) return refused(invalid(body.error));
  return Response.json({ totalTokens: tokensOf(body.data) });
}

function tokensOf(body: GenerateBody): number {
  const contents = body.systemInstruction
    ? [body.systemInstruction, ...body.contents]
    : body.contents;
  return contents
    .flatMap((content) => content.parts)
    .reduce((sum, part) => sum + estimateTokens(part.text ?? ""), 0);
}

/** The demonstration's text as Gemini would stream it. */
function demonstration(
  body: GenerateBody,
  { pieceDelayMs, model }: { pieceDelayMs: number; model: string },
): AnswerScript {
  const pieces = demonstrationPieces(body.contents.map(({ parts }) => parts.at(-1)?.text ?? ""));
  const promptTokenCount = tokensOf(body);
  let said = "";
  const steps = pieces.flatMap((text, index) => {
    said += text;
    const candidatesTokenCount = estimateTokens(said);
    const totalTokenCount = promptTokenCount + candidatesTokenCount;
    const finishReason = index === pieces.length - 1 ? "STOP" : undefined;
    return [
      pause(pieceDelayMs),
      event({
        candidates: [{ content: { role: "model", parts: [{ text }] }, index: 0, finishReason }],
        usageMetadata: { promptTokenCount, candidatesTokenCount, totalTokenCount },
        modelVersion: model,
      }),
    ];
  });
  return answer(...steps);
}

function framingOf(method: ReceivedRequest["method"], isSse: boolean): Framing {
  if (method === "generateContent") return objectFraming();
  return isSse ? sseFraming() : arrayFraming();
}

function refused({ status, headers, body }: RefusalScript): Response {
  return new Response(body, { status, headers });
}

function streamed(script: AnswerScript, framing: Framing, gone: AbortSignal): Response {
  const body = new ReadableStream<Uint8Array>({
    start: (out) => void play(script.steps, framing, out, gone),
  });
  return new Response(body, { headers: { "Content-Type": framing.contentType } });
}

/** The one interpreter of scripts. */
async function play(
  steps: Step[],
  framing: Framing,
  out: ReadableStreamDefaultController<Uint8Array>,
  gone: AbortSignal,
) {
  const encoder = new TextEncoder();
  const left = Promise.withResolvers<void>();
  gone.addEventListener("abort", () => left.resolve());
  let isWritten = false;
  const put = (bytes: Uint8Array) => {
    isWritten = true;
    out.enqueue(bytes);
  };
  const write = (text: string) => {
    if (text !== "") put(encoder.encode(text));
  };
  for (const step of steps) {
    if (gone.aborted) return;
    switch (step.kind) {
      case "events":
        write(step.events.map(framing.write).join(""));
        break;
      case "bytes":
        put(step.bytes);
        break;
      case "until":
        await Promise.race([Promise.allSettled([step.opened()]), left.promise]);
        break;
      case "cut":
        for (let waits = isWritten ? cutWaits : 1; waits > 0; waits -= 1)
          await Bun.sleep(cutDelayMs);
        // Bun resets the connection then; `close` would end the body as if it were whole.
        if (!gone.aborted) out.error();
        return;
    }
  }
  if (gone.aborted) return;
  write(framing.end());
  out.close();
}
