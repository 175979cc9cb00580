import { useMemo } from "preact/hooks";
import { questionIn } from "./directions.ts";
import { Markdown } from "./markdown.tsx";
import { drawsNothing } from "./markdown-blocks.ts";
import { highlightMentions, type MentionNames } from "./mentions.ts";
import { PlainText } from "./plain-text.tsx";

/** Puts `/bot` in front of the text. It is isolated, so that the direction is that of what is asked. */
function putCommand(command: string, block: DocumentFragment) {
  const isolated = document.createElement("bdi");
  isolated.textContent = command.trim();
  const { firstElementChild: first } = block;
  if (first?.localName === "p") return first.prepend(isolated, " ");
  const line = document.createElement("p");
  line.append(isolated);
  block.prepend(line);
}

/**
 * A person's message as Markdown, in which every line break is kept and mentions are highlighted. A text of which Markdown
 * would show nothing, such as `***`, is shown as it was written.
 */
export function PersonText({ text, mentions }: { text: string; mentions: MentionNames }) {
  const { command, rest } = questionIn(text);
  const isLiteral = useMemo(() => drawsNothing(rest), [rest]);
  const decorate = useMemo(
    () => (block: DocumentFragment, index: number) => {
      highlightMentions(block, mentions);
      if (command !== "" && index === 0) putCommand(command, block);
    },
    [command, mentions],
  );
  return (
    <div class="text" dir="auto">
      {isLiteral ? (
        <p>
          <PlainText text={text} />
        </p>
      ) : (
        <Markdown text={rest.trimStart()} decorate={decorate} />
      )}
    </div>
  );
}
