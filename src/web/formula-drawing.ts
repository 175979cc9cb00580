// Formulas as MathML, which browsers lay out themselves. The source of each stays in the document, hidden: a reader who
// copies a formula gets that.
import { createContext } from "preact";
import { sanitisedFormula } from "./sanitising.ts";

type Renderer = typeof import("./formulas.ts");

/** In UTF-16 units; longer formulas are shown as source. */
const sourceMax = 5_000;
/** A streamed answer is drawn many times. */
const drawnMax = 300;

interface Formula {
  tex: string;
  isDisplay: boolean;
}

/** @returns undefined for a formula whose end is missing */
function formulaIn(source: string): Formula | undefined {
  const [, inline] =
    /^(?:\\\(([\s\S]+)\\\)|\$(?!\$)([\s\S]+)\$)$/.exec(source)?.filter(Boolean) ?? [];
  if (inline !== undefined) return { tex: inline, isDisplay: false };
  const [, display] =
    /^(?:\\\[([\s\S]+)\\\]|\$\$([\s\S]+)\$\$|(\\begin[\s\S]+\\end\{[a-zA-Z*]+\}))$/
      .exec(source)
      ?.filter(Boolean) ?? [];
  return display === undefined ? undefined : { tex: display, isDisplay: true };
}

/** Draws formulas; loads what that takes with the first one. */
export class FormulaDrawer {
  #renderer: Renderer | undefined;
  #loading: Promise<Renderer | undefined> | undefined;
  readonly #drawn = new Map<string, DocumentFragment | undefined>();

  /** Draws the formulas within a node: at once, or as soon as Temml is loaded. What can't be drawn stays source. */
  draw(within: DocumentFragment): void {
    for (const element of within.querySelectorAll("var")) {
      if (this.#renderer) this.#replace(element, this.#renderer);
      else void this.#load().then((loaded) => loaded && this.#replace(element, loaded));
    }
  }

  #load(): Promise<Renderer | undefined> {
    this.#loading ??= import("./formulas.ts").then(
      (loaded) => (this.#renderer = loaded),
      // A browser does not ask again for a module that it could not load. Formulas stay source until the page is reloaded.
      () => undefined,
    );
    return this.#loading;
  }

  #replace(element: Element, renderer: Renderer): void {
    const source = element.textContent;
    const formula = source.length > sourceMax ? undefined : formulaIn(source);
    const math = formula && this.#mathOf(source, formula, renderer)?.cloneNode(true);
    if (!math) return;
    const hidden = document.createElement("span");
    hidden.className = "source";
    hidden.textContent = source;
    element.replaceChildren(math, hidden);
    if (formula.isDisplay) element.className = "display";
  }

  #mathOf(source: string, { tex, isDisplay }: Formula, { toMathMl }: Renderer) {
    if (!this.#drawn.has(source)) {
      if (this.#drawn.size >= drawnMax) this.#drawn.clear();
      try {
        this.#drawn.set(source, sanitisedFormula(toMathMl(tex, isDisplay)));
      } catch {
        this.#drawn.set(source, undefined);
      }
    }
    return this.#drawn.get(source);
  }
}

/** The drawer that `Markdown` renders formulas with. */
export const FormulaDrawing = createContext<FormulaDrawer | undefined>(undefined);

function formulaAround(node: Node): Element | null {
  return (node instanceof Element ? node : node.parentElement)?.closest("var") ?? null;
}

/** Puts what is selected into the clipboard, with the source of each formula in place of its drawing. */
export function copyFormulas(event: ClipboardEvent): void {
  const selection = getSelection();
  const isField =
    event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement;
  if (!selection || selection.isCollapsed || !event.clipboardData || isField) return;
  const range = selection.getRangeAt(0).cloneRange();
  const [first, last] = [formulaAround(range.startContainer), formulaAround(range.endContainer)];
  if (first) range.setStartBefore(first);
  if (last) range.setEndAfter(last);
  const copied = document.createElement("div");
  copied.append(range.cloneContents());
  const sources = copied.querySelectorAll("var > .source");
  if (sources.length === 0) return;
  for (const source of sources) {
    const text = document.createElement("span");
    text.style.whiteSpace = "pre-wrap";
    text.textContent = source.textContent;
    source.parentElement?.replaceWith(text);
  }
  const html = copied.innerHTML;
  // Only nodes in the document have lines and paragraphs.
  copied.className = "visually-hidden";
  document.body.append(copied);
  event.clipboardData.setData("text/plain", copied.innerText);
  copied.remove();
  event.clipboardData.setData("text/html", html);
  event.preventDefault();
}
