// A voice message: its waveform, which is the slider of the player, and what is said in it.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Attachment } from "../client/attachments.ts";
import { FileCard } from "./file-card.tsx";
import { durationInWords } from "./durations.ts";
import { useFileAddress } from "./file-addresses.ts";
import { Icon } from "./icons.tsx";

const speeds = [1, 1.5, 2];
/** Seconds that an arrow key moves. */
const step = 5;
/** Sound that the server does not decode, such as AAC, has no waveform: the slider is an even line then. */
const plainBars = Array.from({ length: 64 }, () => 20);
/** Behind the end of any recording: a browser that does not know the duration finds it out by going there. */
const farEnd = 1e7;

export function VoicePlayer({ attachment }: { attachment: Attachment }) {
  const [isWanted, setWanted] = useState(false);
  const { address, isBroken, renew } = useFileAddress(attachment, undefined, isWanted);
  const seconds = (attachment.duration_ms ?? 0) / 1_000;
  const player = usePlayer(address, seconds, () => setWanted(true), renew);
  if (isBroken) return <FileCard attachment={attachment} />;
  const { place, isPlaying, speed } = player;
  return (
    <div class="voice" role="group" aria-label="Voice message">
      <button
        type="button"
        class="primary square"
        aria-label={isPlaying ? "Pause" : "Play the voice message"}
        title={isPlaying ? "Pause" : "Play"}
        onClick={player.toggle}
      >
        <Icon name={isPlaying ? "pause" : "play"} />
      </button>
      <Waveform
        bars={attachment.waveform ?? plainBars}
        place={place}
        seconds={seconds}
        onSeek={player.seek}
      />
      <span class="time muted">{durationInWords((place > 0 ? place : seconds) * 1_000)}</span>
      <button
        type="button"
        class="quiet speed"
        aria-label={`Speed ${speed}`}
        title="Speed"
        onClick={player.changeSpeed}
      >
        {speed}×
      </button>
      {address && <audio {...player.attributes} src={address} preload="auto" hidden />}
      {attachment.transcript !== undefined && (
        <p class="transcript" dir="auto">
          {attachment.transcript}
        </p>
      )}
    </div>
  );
}

function usePlayer(
  address: string | undefined,
  seconds: number,
  onWanted: () => void,
  renew: () => void,
) {
  const audio = useRef<HTMLAudioElement | null>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [place, setPlace] = useState(0);
  const [speed, setSpeed] = useState(speeds[0] ?? 1);
  /** Where to go once the recording can be played; undefined while it can. */
  const pending = useRef<number | undefined>(0);

  function start(from: number) {
    pending.current = from;
    if (!address) return onWanted();
    void ready();
  }

  /** The metadata is there: goes to the place and plays. */
  async function ready() {
    const { current } = audio;
    const from = pending.current;
    if (!current || from === undefined || current.readyState < 1) return;
    pending.current = undefined;
    if (!Number.isFinite(current.duration) && from > 0) await findDuration(current);
    for (const other of document.querySelectorAll<HTMLMediaElement>("audio, video")) {
      if (other !== current) other.pause();
    }
    current.currentTime = from;
    current.playbackRate = speed;
    await current.play().catch(() => setPlaying(false));
  }

  useEffect(() => {
    if (audio.current) audio.current.playbackRate = speed;
  }, [speed]);

  return {
    isPlaying,
    place,
    speed,
    toggle: () => (isPlaying ? audio.current?.pause() : start(place >= seconds - 0.1 ? 0 : place)),
    seek(to: number) {
      const next = Math.min(Math.max(0, to), seconds);
      setPlace(next);
      if (isPlaying) start(next);
      else if (audio.current) audio.current.currentTime = next;
    },
    changeSpeed: () =>
      setSpeed((before) => speeds[(speeds.indexOf(before) + 1) % speeds.length] ?? 1),
    attributes: {
      ref: (element: HTMLAudioElement | null) => void (audio.current = element),
      onLoadedMetadata: () => void ready(),
      onPlay: () => setPlaying(true),
      onPause: () => setPlaying(false),
      onEnded: () => {
        setPlaying(false);
        setPlace(0);
        pending.current = 0;
      },
      onTimeUpdate: () => {
        const { currentTime = 0, duration = NaN } = audio.current ?? {};
        // The browser's duration and the server's differ by some packets: the end of one is the end of the other.
        if (currentTime >= duration) setPlace(seconds);
        else if (currentTime < seconds + 1) setPlace(Math.min(currentTime, seconds));
      },
      onError: () => {
        pending.current = place;
        renew();
      },
    },
  };
}

/** A recording of a browser lacks its duration, without which it cannot be sought in. */
async function findDuration(audio: HTMLAudioElement): Promise<void> {
  await new Promise<void>((resolve) => {
    audio.addEventListener("durationchange", () => resolve(), { once: true });
    audio.addEventListener("error", () => resolve(), { once: true });
    audio.currentTime = farEnd;
  });
}

function Waveform({
  bars,
  place,
  seconds,
  onSeek,
}: {
  bars: readonly number[];
  place: number;
  seconds: number;
  onSeek: (to: number) => void;
}) {
  const share = seconds > 0 ? place / seconds : 0;
  const seekTo = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    onSeek(((event.clientX - left) / width) * seconds);
  };
  return (
    <div
      class="waveform"
      role="slider"
      tabIndex={0}
      aria-label="Place in the voice message"
      aria-valuemin={0}
      aria-valuemax={Math.round(seconds)}
      aria-valuenow={Math.round(place)}
      aria-valuetext={`${durationInWords(place * 1_000)} of ${durationInWords(seconds * 1_000)}`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        seekTo(event);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) seekTo(event);
      }}
      onKeyDown={(event) => {
        const moves: Record<string, number> = {
          ArrowRight: place + step,
          ArrowUp: place + step,
          ArrowLeft: place - step,
          ArrowDown: place - step,
          Home: 0,
          End: seconds,
        };
        const to = moves[event.key];
        if (to === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        onSeek(to);
      }}
    >
      {bars.map((bar, n) => (
        <span
          key={n}
          class={n / bars.length < share ? "played" : undefined}
          style={{ height: `${Math.max(6, bar)}%` }}
        />
      ))}
    </div>
  );
}
