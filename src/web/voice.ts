// Voice messages: what plays and records them is loaded with the first one.
import { FileCard } from "./file-card.tsx";
import { lazyPart } from "./lazy.ts";
import type { RecorderProps } from "./recorder.tsx";

const load = () => import("./voice-parts.ts");

export const VoiceMessage = lazyPart(() => load().then((parts) => parts.VoicePlayer), FileCard);
export const Recorder = lazyPart<RecorderProps>(
  () => load().then((parts) => parts.VoiceRecorder),
  () => null,
);
