import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";
import { sizeInWords } from "./file-sizes.ts";
import type { PendingFile } from "./room-uploads.ts";
import type { Uploads } from "./uploads.ts";

/** The files of the message that is being written, with their progress. */
export function UploadList({ uploads }: { uploads: Uploads }) {
  const { files } = uploads;
  const done = files.filter(({ attachment }) => attachment).length;
  const paused = files.filter(({ isPaused }) => isPaused).length;
  return (
    <div class="uploads" hidden={files.length === 0}>
      <ul aria-label="Files of your message">
        {files.map((file) => (
          <UploadItem key={file.id} file={file} uploads={uploads} />
        ))}
      </ul>
      <p class="visually-hidden" role="status">
        {files.length > 0 && `${done} of ${files.length} files uploaded`}
        {paused > 0 && `, ${paused} paused`}
      </p>
    </div>
  );
}

/** Gives the focus of a button that goes to the one beside it. */
function useKeptFocus(isThere: boolean) {
  const button = useRef<HTMLButtonElement>(null);
  const neighbour = useRef<HTMLButtonElement>(null);
  const hadFocus = button.current !== null && button.current === document.activeElement;
  useLayoutEffect(() => {
    if (hadFocus && !isThere) neighbour.current?.focus();
  }, [isThere]);
  return { button, neighbour };
}

function UploadItem({ file, uploads }: { file: PendingFile; uploads: Uploads }) {
  const { id, name, size, preview, progress, isPaused, attachment, problem } = file;
  const canPause = problem === undefined && !attachment;
  const { button, neighbour } = useKeptFocus(canPause);
  return (
    <li class={problem === undefined ? "upload" : "upload failed"}>
      {preview ? <img src={preview} alt="" /> : <Icon name="file" />}
      <div class="facts">
        <bdi class="name">{name}</bdi>
        {problem !== undefined ? (
          <p class="end failed" role="alert">
            {problem}{" "}
            {size > 0 && (
              <button type="button" class="link" onClick={() => uploads.goOn(id)}>
                Try again
              </button>
            )}
          </p>
        ) : attachment ? (
          <span class="muted">{sizeInWords(size)}</span>
        ) : (
          <progress max={1} value={progress} aria-label={`Upload of ${name}`} />
        )}
      </div>
      {canPause && (
        <button
          ref={button}
          type="button"
          class="quiet square"
          aria-label={`${isPaused ? "Go on with" : "Pause"} ${name}`}
          title={isPaused ? "Go on" : "Pause"}
          onClick={() => (isPaused ? uploads.goOn(id) : uploads.pause(id))}
        >
          <Icon name={isPaused ? "play" : "pause"} />
        </button>
      )}
      <button
        ref={neighbour}
        type="button"
        class="quiet square"
        aria-label={`${attachment ? "Remove" : "Cancel"} ${name}`}
        title={attachment ? "Remove" : "Cancel"}
        onClick={({ currentTarget }) => {
          // A keyboard would otherwise begin at the start of the page. The keyboard of a phone stays away.
          if (currentTarget.matches(":focus-visible")) {
            currentTarget.closest("form")?.querySelector("textarea")?.focus();
          }
          uploads.remove(id);
        }}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}
