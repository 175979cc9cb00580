// What plays and records voice messages, which is loaded with the first one.
export { VoicePlayer } from "./voice-player.tsx";
export { VoiceRecorder } from "./recorder.tsx";
