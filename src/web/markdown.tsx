import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import { setDirections } from "./directions.ts";
import { FormulaDrawing, type FormulaDrawer } from "./formula-drawing.ts";
import { markdownBlocks } from "./markdown-blocks.ts";
import { sanitisedText } from "./sanitising.ts";

interface Block {
  html: string;
  nodes: ChildNode[];
}

function draw(html: string, formulas: FormulaDrawer | undefined): Block {
  const fragment = sanitisedText(html);
  setDirections(fragment);
  formulas?.draw(fragment);
  return { html, nodes: [...fragment.childNodes] };
}

/**
 * Text as Markdown. While the text grows, blocks whose HTML is the same stay the nodes that they are: what a reader has
 * selected stays selected, and most of a long answer is drawn once. Since the HTML decides, an answer that was streamed is
 * drawn as if it had come whole.
 */
export function Markdown({ text }: { text: string }) {
  const formulas = useContext(FormulaDrawing);
  const element = useRef<HTMLDivElement>(null);
  const blocks = useRef<Block[]>([]);
  useLayoutEffect(() => {
    const old = blocks.current;
    const next = markdownBlocks(text).map((html, index) => {
      const before = old[index];
      return before?.html === html ? before : draw(html, formulas);
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
  }, [text]);
  return <div class="markdown" ref={element} />;
}
