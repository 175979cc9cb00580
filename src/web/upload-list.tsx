import { useRef } from "preact/hooks";
import { Icon } from "./icons.tsx";
import { sizeInWords } from "./file-sizes.ts";
import type { PendingFile, Uploads } from "./uploads.ts";

/** The files of the message that is being written, with their progress. */
export function UploadList({ uploads }: { uploads: Uploads }) {
  const { files } = uploads;
  const done = files.filter(({ attachment }) => attachment).length;
  return (
    <div class="uploads" hidden={files.length === 0}>
      <ul aria-label="Files of your message">
        {files.map((file) => (
          <UploadItem key={file.key} file={file} uploads={uploads} />
        ))}
      </ul>
      <p class="visually-hidden" role="status">
        {files.length > 0 && `${done} of ${files.length} files uploaded`}
      </p>
    </div>
  );
}

function UploadItem({ file, uploads }: { file: PendingFile; uploads: Uploads }) {
  const { key, name, size, preview, progress, attachment, problem } = file;
  return (
    <li class={problem === undefined ? "upload" : "upload failed"}>
      {preview ? <img src={preview} alt="" /> : <Icon name="file" />}
      <div class="facts">
        <bdi class="name">{name}</bdi>
        {problem !== undefined ? (
          <p class="end failed" role="alert">
            {problem}{" "}
            <button type="button" class="link" onClick={() => uploads.retry(key)}>
              Try again
            </button>
          </p>
        ) : attachment ? (
          <span class="muted">{sizeInWords(size)}</span>
        ) : (
          <progress max={1} value={progress} aria-label={`Upload of ${name}`} />
        )}
      </div>
      <button
        type="button"
        class="quiet square"
        aria-label={`${attachment ? "Remove" : "Cancel"} ${name}`}
        title={attachment ? "Remove" : "Cancel"}
        onClick={() => uploads.remove(key)}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

/** Chooses files. On phones it offers the camera, too. */
export function AttachButton({ uploads }: { uploads: Uploads }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        class="quiet square"
        aria-label="Add files"
        title="Add files"
        onClick={() => input.current?.click()}
      >
        <Icon name="attach" />
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={({ currentTarget }) => {
          uploads.add(currentTarget.files ?? []);
          // The same file can be chosen again after it was removed.
          currentTarget.value = "";
        }}
      />
    </>
  );
}
