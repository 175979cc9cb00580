// The player and the recorder of voice messages, which are loaded with the first message.
export { VoicePlayer } from "./voice-player.tsx";
export { VoiceRecorder } from "./recorder.tsx";
