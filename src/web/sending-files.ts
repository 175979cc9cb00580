import { useRef, useState } from "preact/hooks";
import type { Attachments } from "../client/attachments.ts";
import { asProblemError } from "../client/problem-error.ts";

/** Pauses before further tries, in milliseconds. */
const pausesMs = [1_000, 3_000, 6_000];

export interface MessageWithFiles {
  content: string;
  replyTo: number | undefined;
  ids: readonly number[];
}

/** Sends messages with files. They are shown when the server has stored them. */
export function useFileSending(attachments: Attachments, chatId: number) {
  const [isSending, setSending] = useState(false);
  // A message that is sent again has the same client id, so that it is stored once.
  const last = useRef<{ key: string; clientId: string }>(undefined);

  async function trySending({ ids, ...message }: MessageWithFiles): Promise<void> {
    const key = JSON.stringify([ids, message]);
    if (last.current?.key !== key) last.current = { key, clientId: crypto.randomUUID() };
    const { clientId } = last.current;
    for (const pauseMs of [...pausesMs, undefined]) {
      try {
        await attachments.send(chatId, ids, { ...message, clientId });
        return;
      } catch (error) {
        const { code } = asProblemError(error);
        if (pauseMs === undefined || !/^(network|unavailable)$/.test(code)) throw error;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }

  return {
    isSending,
    /** @throws ProblemError */
    async send(message: MessageWithFiles): Promise<void> {
      setSending(true);
      try {
        await trySending(message);
      } finally {
        setSending(false);
      }
    },
  };
}
