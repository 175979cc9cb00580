// The three shapes in which Gemini sends the same events: `alt=sse`, a streamed JSON array, and one JSON object.
import { sseLine, type GeminiEvent } from "./script.ts";

/** How events become bytes: one SSE line each, members of a JSON array, or one JSON object at the end. */
export interface Framing {
  contentType: string;
  write(event: GeminiEvent): string;
  end(): string;
}

const json = "application/json; charset=UTF-8";

export function sseFraming(): Framing {
  return { contentType: "text/event-stream", write: sseLine, end: () => "" };
}

/** The framing of `generateContent`: one JSON object. */
export function objectFraming(): Framing {
  const events: GeminiEvent[] = [];
  return {
    contentType: json,
    write(event) {
      events.push(event);
      return "";
    },
    end: () => JSON.stringify(merged(events)),
  };
}

/** The framing of `streamGenerateContent` without `alt=sse`: a JSON array. */
export function arrayFraming(): Framing {
  let before = "[";
  return {
    contentType: json,
    write(event) {
      const text = before + JSON.stringify(event);
      before = ",\r\n";
      return text;
    },
    end: () => (before === "[" ? "[]" : "]"),
  };
}

function merged(events: GeminiEvent[]): GeminiEvent {
  const candidates = events.flatMap((event) => event.candidates ?? []);
  const parts = candidates.flatMap((candidate) => candidate.content?.parts ?? []);
  const finishReason = candidates.findLast((candidate) => candidate.finishReason)?.finishReason;
  const grounded = candidates.findLast((candidate) => candidate.groundingMetadata);
  return {
    ...events.reduce<GeminiEvent>((all, event) => ({ ...all, ...event }), {}),
    ...(candidates.length > 0 && {
      candidates: [
        {
          content: { role: "model", parts },
          finishReason,
          groundingMetadata: grounded?.groundingMetadata,
          index: 0,
        },
      ],
    }),
  };
}
