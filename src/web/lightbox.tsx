import { useEffect, useRef } from "preact/hooks";
import type { Attachment } from "../client/attachments.ts";
import { DownloadButton } from "./file-card.tsx";
import { useFileAddress } from "./file-addresses.ts";
import { Icon } from "./icons.tsx";
import { usePinch } from "./pinch.ts";

/** Shows one picture of a room over the page; arrow keys lead to the others, Escape closes it. */
export function Lightbox({
  pictures,
  shown,
  onShow,
  onClose,
}: {
  /** All pictures that can be reached, in order. */
  pictures: readonly Attachment[];
  shown: Attachment;
  onShow: (picture: Attachment) => void;
  onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const index = pictures.findIndex(({ id }) => id === shown.id);
  const [before, after] = [pictures[index - 1], pictures[index + 1]];
  const close = () => dialog.current?.close();
  return (
    <dialog
      ref={dialog}
      class="lightbox"
      aria-label={shown.name}
      onClose={onClose}
      onClick={({ target }) => {
        const isBeside =
          target instanceof Element && target.matches("dialog, .pinch:not(.enlarged)");
        if (isBeside) close();
      }}
      onKeyDown={({ key }) => {
        if (key === "ArrowLeft" && before) onShow(before);
        if (key === "ArrowRight" && after) onShow(after);
      }}
    >
      <header>
        <p role="status">
          <bdi>{shown.name}</bdi>
          {pictures.length > 1 && (
            <span class="muted">
              {" "}
              {index + 1} of {pictures.length}
            </span>
          )}
        </p>
        <DownloadButton attachment={shown} />
        <button type="button" class="quiet square" aria-label="Close" title="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <LargePicture key={shown.id} attachment={shown} />
      <Turn name="Previous picture" icon="back" to={before} onShow={onShow} />
      <Turn name="Next picture" icon="forward" to={after} onShow={onShow} />
    </dialog>
  );
}

function Turn({
  name,
  icon,
  to,
  onShow,
}: {
  name: string;
  icon: "back" | "forward";
  to: Attachment | undefined;
  onShow: (picture: Attachment) => void;
}) {
  return (
    <button
      type="button"
      class={`turn square ${icon}`}
      aria-label={name}
      title={name}
      disabled={!to}
      onClick={() => to && onShow(to)}
    >
      <Icon name={icon} />
    </button>
  );
}

function LargePicture({ attachment }: { attachment: Attachment }) {
  const { address, isBroken, renew } = useFileAddress(attachment);
  const pinch = usePinch();
  if (isBroken)
    return <p class="broken">This picture can't be loaded. It may have been deleted.</p>;
  const { width, height, blur, name } = attachment;
  return (
    <div class={pinch.isEnlarged ? "pinch enlarged" : "pinch"} {...pinch.attributes}>
      <img
        src={address ?? blur}
        alt={name}
        width={width}
        height={height}
        draggable={false}
        style={pinch.style}
        onError={address ? renew : undefined}
      />
    </div>
  );
}
