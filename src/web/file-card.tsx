// A file that can be downloaded.
import { useState } from "preact/hooks";
import type { Attachment } from "../client/attachments.ts";
import { sizeInWords } from "./file-sizes.ts";
import { Icon } from "./icons.tsx";
import { usePageParts } from "./page-parts.ts";

function useDownload(attachment: Attachment) {
  const { attachments } = usePageParts();
  const [problem, setProblem] = useState<string>();
  return {
    problem,
    async download() {
      setProblem(undefined);
      try {
        const link = document.createElement("a");
        link.href = await attachments.addressOf(attachment);
        link.download = attachment.name;
        link.click();
      } catch {
        setProblem("This file can't be downloaded. It may have been deleted.");
      }
    },
  };
}

export function DownloadButton({ attachment }: { attachment: Attachment }) {
  const { download } = useDownload(attachment);
  return (
    <button
      type="button"
      class="quiet square"
      aria-label={`Download ${attachment.name}`}
      title="Download"
      onClick={() => void download()}
    >
      <Icon name="download" />
    </button>
  );
}

export function FileCard({ attachment }: { attachment: Attachment }) {
  const { download, problem } = useDownload(attachment);
  const { name, size } = attachment;
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 ? name.slice(dot + 1, dot + 6).toUpperCase() : "FILE";
  return (
    <button
      type="button"
      class="file-card"
      title={`Download ${name}`}
      onClick={() => void download()}
    >
      <span class="type" aria-hidden="true">
        {extension}
      </span>
      <span class="facts">
        <bdi class="name">{name}</bdi>
        <span class="muted" role={problem === undefined ? undefined : "alert"}>
          {problem ?? sizeInWords(size)}
        </span>
      </span>
      <Icon name="download" />
    </button>
  );
}
