import { Popover } from "./popover.tsx";

const columns = 6;

/** Emoji with their names for screen readers, in rows of `columns`. */
const emojiNames = [
  ["👍", "thumbs up"],
  ["👎", "thumbs down"],
  ["❤️", "red heart"],
  ["😂", "tears of joy"],
  ["🎉", "party popper"],
  ["😮", "astonished"],
  ["🙏", "folded hands"],
  ["👏", "clapping hands"],
  ["🙌", "raised hands"],
  ["💪", "flexed arm"],
  ["👋", "waving hand"],
  ["🤝", "handshake"],
  ["😀", "grinning"],
  ["😊", "smiling"],
  ["😍", "heart eyes"],
  ["🤔", "thinking"],
  ["😅", "sweating smile"],
  ["😢", "crying"],
  ["🔥", "fire"],
  ["✅", "check mark"],
  ["❌", "cross mark"],
  ["👀", "eyes"],
  ["🚀", "rocket"],
  ["💯", "hundred points"],
] as const;

const rows = Array.from({ length: Math.ceil(emojiNames.length / columns) }, (_, row) =>
  emojiNames.slice(row * columns, (row + 1) * columns),
);

/** A grid of common emoji, in which arrow keys move the focus. */
export function EmojiPicker({
  onPick,
  onClose,
}: {
  onPick: (emoji: string) => void;
  onClose: () => void;
}) {
  return (
    <Popover role="grid" label="Reactions" columns={columns} onClose={onClose}>
      {(close) =>
        rows.map((row, index) => (
          <div key={index} role="row">
            {row.map(([emoji, name]) => (
              <span key={emoji} role="gridcell">
                <button
                  type="button"
                  class="quiet emoji"
                  tabIndex={-1}
                  aria-label={name}
                  title={name}
                  onClick={() => {
                    close();
                    onPick(emoji);
                  }}
                >
                  {emoji}
                </button>
              </span>
            ))}
          </div>
        ))
      }
    </Popover>
  );
}
