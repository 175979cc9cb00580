// The way into recording a voice message.
import { useState } from "preact/hooks";
import { Icon } from "./icons.tsx";
import type { Press } from "./recorder.tsx";

export function useRecording() {
  const [press, setPress] = useState<Press>();
  return {
    isOn: press !== undefined,
    press,
    begin: setPress,
    end: () => setPress(undefined),
  };
}

export function RecordButton({ onRecord }: { onRecord: (press: Press) => void }) {
  // Pages over plain HTTP have no microphone.
  if (!globalThis.MediaRecorder || !navigator.mediaDevices) return null;
  const begin = () => {
    const began = performance.now();
    const { promise, resolve } = Promise.withResolvers<number>();
    for (const end of ["pointerup", "pointercancel"]) {
      addEventListener(end, () => resolve(performance.now() - began), { once: true });
    }
    onRecord({ released: promise });
  };
  return (
    <button
      type="button"
      class="quiet square"
      aria-label="Record a voice message"
      title="Record a voice message: hold or tap"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.preventDefault();
        begin();
      }}
      // The keyboard's click has no pointer before it.
      onClick={(event) => {
        if (event.detail === 0) onRecord({ released: Promise.resolve(0) });
      }}
    >
      <Icon name="microphone" />
    </button>
  );
}
