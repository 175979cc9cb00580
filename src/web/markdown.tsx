import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import { CodeColouring, type CodeColours } from "./code-colours.ts";
import { setDirections } from "./directions.ts";
import { FormulaDrawing, type FormulaDrawer } from "./formula-drawing.ts";
import { markdownBlocks } from "./markdown-blocks.ts";
import { sanitisedText } from "./sanitising.ts";

interface Block {
  html: string;
  nodes: ChildNode[];
}

/** Changes the nodes of a block before they are shown. */
export type Decorate = (block: DocumentFragment, index: number) => void;

interface Drawers {
  formulas: FormulaDrawer | undefined;
  colours: CodeColours | undefined;
}

function draw(html: string, { formulas, colours }: Drawers): DocumentFragment {
  const fragment = sanitisedText(html);
  setDirections(fragment);
  // Code that is wider than the screen is scrolled with the keyboard, in Safari, too.
  for (const code of fragment.querySelectorAll("pre")) code.tabIndex = 0;
  colours?.draw(fragment);
  formulas?.draw(fragment);
  return fragment;
}

/**
 * Text as Markdown. While the text grows, blocks whose HTML is the same stay the nodes that they are: what a reader has
 * selected stays selected, and most of a long answer is drawn once. Since the HTML decides, an answer that was streamed is
 * drawn as if it had come whole.
 * @param decorate all blocks are drawn again when it is another function
 */
export function Markdown({ text, decorate }: { text: string; decorate?: Decorate }) {
  const formulas = useContext(FormulaDrawing);
  const colours = useContext(CodeColouring);
  const element = useRef<HTMLDivElement>(null);
  const blocks = useRef<Block[]>([]);
  const decorated = useRef(decorate);
  useLayoutEffect(() => {
    const old = blocks.current;
    const isSame = decorated.current === decorate;
    decorated.current = decorate;
    const next = markdownBlocks(text).map((html, index) => {
      const before = old[index];
      if (isSame && before?.html === html) return before;
      const fragment = draw(html, { formulas, colours });
      decorate?.(fragment, index);
      return { html, nodes: [...fragment.childNodes] };
    });
    const isKept = (block: Block, index: number) => next[index] === block;
    for (const { nodes } of old.filter((block, index) => !isKept(block, index))) {
      for (const node of nodes) node.remove();
    }
    let following: ChildNode | null = null;
    for (const [index, block] of [...next.entries()].toReversed()) {
      if (block !== old[index]) {
        for (const node of block.nodes) element.current?.insertBefore(node, following);
      }
      following = block.nodes[0] ?? following;
    }
    blocks.current = next;
  }, [text, decorate]);
  return <div class="markdown" ref={element} />;
}
