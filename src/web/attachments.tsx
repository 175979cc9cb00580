// The files of a message.
import { Fragment } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Attachment } from "../client/attachments.ts";
import type { Message } from "../wire/messages.ts";
import { answerPieces } from "./answer-pieces.ts";
import { FileCard } from "./file-card.tsx";
import { useFileAddress } from "./file-addresses.ts";
import { sizeInWords } from "./file-sizes.ts";
import { Icon } from "./icons.tsx";
import { Markdown } from "./markdown.tsx";
import { VoiceMessage } from "./voice.ts";

/** The largest width and height of a picture in a message, in CSS pixels. */
const pictureMax = 320;

export function MessageFiles({
  attachments,
  onOpen,
}: {
  attachments: readonly Attachment[];
  onOpen: (attachment: Attachment) => void;
}) {
  if (attachments.length === 0) return null;
  return (
    <ul class="files" aria-label="Files">
      {attachments.map((attachment) => (
        <li key={attachment.id}>
          {attachment.kind === "image" ? (
            <Picture attachment={attachment} onOpen={onOpen} />
          ) : attachment.kind === "voice" ? (
            <VoiceMessage attachment={attachment} />
          ) : attachment.kind === "file" ? (
            <FileCard attachment={attachment} />
          ) : (
            <Player attachment={attachment} />
          )}
        </li>
      ))}
    </ul>
  );
}

/** An answer: its pictures stand in its text where the model has made them. */
export function Answer({
  message,
  onOpen,
}: {
  message: Pick<Message, "content" | "attachments">;
  onOpen: (attachment: Attachment) => void;
}) {
  if (message.attachments.length === 0) return <Markdown text={message.content} />;
  return (
    <div class="pieces">
      {answerPieces(message).map(({ text, pictures }, index) => (
        <Fragment key={index}>
          {text !== "" && <Markdown text={text} />}
          <MessageFiles attachments={pictures} onOpen={onOpen} />
        </Fragment>
      ))}
    </div>
  );
}

/** The size at which a picture is shown: it is known before the picture is loaded, so that nothing moves. */
export function shownSize({ width = pictureMax, height = pictureMax }: Attachment) {
  const scale = Math.min(1, pictureMax / width, pictureMax / height);
  return {
    width: Math.max(24, Math.round(width * scale)),
    height: Math.max(24, Math.round(height * scale)),
  };
}

/** Whether an element has been near the visible part of the page. */
function useSeen<T extends Element>() {
  const element = useRef<T>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (!element.current || isSeen) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true);
      },
      { rootMargin: "400px" },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [isSeen]);
  return { element, isSeen };
}

function Picture({
  attachment,
  onOpen,
}: {
  attachment: Attachment;
  onOpen: (attachment: Attachment) => void;
}) {
  const { element, isSeen } = useSeen<HTMLButtonElement>();
  // An animation moves: its thumbnail would not.
  const isMoving = /^image\/(gif|webp)$/.test(attachment.media_type);
  const thumbnail = isMoving ? undefined : attachment.thumbnails?.at(-1)?.url;
  const { address, isBroken, renew } = useFileAddress(attachment, thumbnail, isSeen);
  const size = shownSize(attachment);
  return (
    <button
      ref={element}
      type="button"
      class="picture"
      style={{
        ...{ width: `${size.width}px`, aspectRatio: `${size.width} / ${size.height}` },
        backgroundImage: attachment.blur ? `url("${attachment.blur}")` : undefined,
      }}
      aria-label={`Picture ${attachment.name}`}
      onClick={() => onOpen(attachment)}
    >
      {isBroken ? (
        <span class="broken">This picture can't be loaded</span>
      ) : (
        address && (
          <img src={address} alt="" width={size.width} height={size.height} onError={renew} />
        )
      )}
    </button>
  );
}

/** The browser's own player, which seeks by ranges. It is only loaded when somebody wants to play. */
function Player({ attachment }: { attachment: Attachment }) {
  const [isWanted, setWanted] = useState(false);
  const { address, isBroken, renew } = useFileAddress(attachment, undefined, isWanted);
  const media = useRef<HTMLMediaElement | null>(null);
  const place = useRef(0);
  const isVideo = attachment.kind === "video";
  if (isBroken) return <FileCard attachment={attachment} />;
  if (!address) {
    return (
      <button type="button" class="file-card" onClick={() => setWanted(true)}>
        <Icon name="play" />
        <span class="facts">
          <bdi class="name">{attachment.name}</bdi>
          <span class="muted">
            {isVideo ? "Video" : "Audio"}, {sizeInWords(attachment.size)}
          </span>
        </span>
      </button>
    );
  }
  const attributes = {
    ref: (element: HTMLMediaElement | null) => void (media.current = element),
    src: address,
    controls: true,
    autoplay: true,
    "aria-label": attachment.name,
    onTimeUpdate: () => (place.current = media.current?.currentTime ?? 0),
    // The ticket of the address has expired: playing goes on where it was.
    onError: renew,
    onLoadedMetadata: () => {
      if (media.current && place.current > 0) media.current.currentTime = place.current;
    },
  };
  return isVideo ? <video {...attributes} playsInline /> : <audio {...attributes} />;
}
