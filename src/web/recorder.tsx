// In place of the field for messages: a voice message that is being recorded and sent.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Room } from "../client/client.ts";
import { asProblemError } from "../client/problem-error.ts";
import { durationInWords } from "./durations.ts";
import { Icon } from "./icons.tsx";
import { Microphone, type Recorded } from "./microphone.ts";
import { usePageParts } from "./page-parts.ts";

/** A shorter press is a tap: the recording goes on, and has buttons. */
const heldMs = 500;
/** A shorter recording is a slip, and is not sent. */
const shortestMs = 400;
/** The recording ends after this time, shortly before the 15 minutes that the server takes. */
const longestMs = 15 * 60_000 - 5_000;
const bars = 48;
const barMs = 60;

/** How the button was pressed: held until a voice message is said, or tapped. */
export interface Press {
  /** Settles with the milliseconds for which it was held. */
  readonly released: Promise<number>;
}

export interface RecorderProps {
  room: Room;
  replyTo: number | undefined;
  press: Press | undefined;
  onEnd: (isSent: boolean) => void;
}

/** Records a voice message, and sends it. */
function useVoiceMessage({ room, replyTo, press, onEnd }: RecorderProps) {
  const { attachments } = usePageParts();
  const microphone = useRef<Microphone>(undefined);
  const recorded = useRef<Recorded>(undefined);
  const [state, setState] = useState<"asking" | "recording" | "sending" | "failed">("asking");
  const [problem, setProblem] = useState("");
  const [progress, setProgress] = useState(0);

  useEffect(() => {
    let isOver = false;
    Microphone.open().then(
      (opened) => {
        if (isOver) return opened.close();
        microphone.current = opened;
        setState("recording");
        void press?.released.then((ms) => {
          if (ms >= heldMs && !isOver) void finish();
        });
      },
      (error: unknown) => {
        if (isOver) return;
        setProblem(problemOf(error));
        setState("failed");
      },
    );
    return () => {
      isOver = true;
      microphone.current?.close();
    };
  }, []);

  async function finish() {
    const { current } = microphone;
    if (!current || recorded.current) return;
    if (current.elapsedMs < shortestMs) return onEnd(false);
    recorded.current = await current.stop();
    await trySending();
  }

  async function trySending() {
    const { current } = recorded;
    if (!current) return;
    setState("sending");
    try {
      const { content, name } = current;
      const onProgress = (share: number) => setProgress(share);
      const options = { name, kind: "voice", onProgress } as const;
      const { id } = await attachments.upload(room.chatId, content, options);
      room.send("", { replyTo, attachmentIds: [id] });
      onEnd(true);
    } catch (error) {
      setProblem(asProblemError(error).detail);
      setState("failed");
    }
  }

  return {
    state,
    problem,
    progress,
    microphone: microphone.current,
    /** Whether the message can be sent again after a failure. */
    canRepeat: recorded.current !== undefined,
    finish,
    trySending,
  };
}

export function VoiceRecorder(props: RecorderProps) {
  const { state, problem, progress, microphone, canRepeat, finish, trySending } =
    useVoiceMessage(props);

  return (
    <div class="composer recorder" role="group" aria-label="Voice message">
      <button
        type="button"
        class="quiet square"
        aria-label="Discard the voice message"
        title="Discard"
        disabled={state === "sending"}
        onClick={() => props.onEnd(false)}
      >
        <Icon name="close" />
      </button>
      {state === "recording" && microphone ? (
        <Level microphone={microphone} onLongest={() => void finish()} />
      ) : (
        <p class={state === "failed" ? "refusal" : "muted"} role="status">
          {state === "asking" && "Allow the microphone to record…"}
          {state === "sending" && "Sending…"}
          {state === "failed" && problem}
        </p>
      )}
      {state === "sending" && <progress max={1} value={progress} aria-label="Upload" />}
      {state === "recording" && (
        <button
          type="button"
          class="primary square"
          aria-label="Send the voice message"
          title="Send"
          onClick={() => void finish()}
        >
          <Icon name="send" />
        </button>
      )}
      {state === "failed" && canRepeat && (
        <button type="button" onClick={() => void trySending()}>
          Try again
        </button>
      )}
    </div>
  );
}

/** The time and the loudness of the last moments. */
function Level({ microphone, onLongest }: { microphone: Microphone; onLongest: () => void }) {
  const [levels, setLevels] = useState<readonly number[]>(() =>
    Array.from({ length: bars }, () => 0),
  );
  const elapsedMs = microphone.elapsedMs;
  useEffect(() => {
    const timer = setInterval(() => {
      setLevels((before) => [...before.slice(1), microphone.level]);
      if (microphone.elapsedMs > longestMs) onLongest();
    }, barMs);
    return () => clearInterval(timer);
  }, [microphone]);
  return (
    <>
      <span class="recording-dot" aria-hidden="true" />
      <span class="time" role="timer" aria-label="Recorded">
        {durationInWords(elapsedMs)}
      </span>
      <span class="level" aria-hidden="true">
        {levels.map((level, n) => (
          <span key={n} style={{ height: `${Math.round(10 + level * 90)}%` }} />
        ))}
      </span>
    </>
  );
}

function problemOf(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") {
    return "The microphone is not allowed. Allow it for this page in your browser.";
  }
  if (name === "NotFoundError") return "No microphone was found.";
  return "The microphone cannot be used. Another program may have it.";
}
