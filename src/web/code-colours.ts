// The colours of code in answers and messages that names its language.
import { createContext } from "preact";
import type { Highlight } from "./code-languages.ts";
import { sanitisedCode } from "./sanitising.ts";

/** In UTF-16 units; longer code has no colours. */
const codeMax = 20_000;

/** Gives code its colours; loads what that takes with the first code that names its language. */
export class CodeColours {
  #highlight: Highlight | undefined;
  #loading: Promise<Highlight | undefined> | undefined;

  /** Colours the code within a node: at once, or as soon as the languages are loaded. The text stays what it is. */
  draw(within: DocumentFragment): void {
    for (const block of within.querySelectorAll<HTMLElement>("pre[data-language]")) {
      const { language = "" } = block.dataset;
      block.removeAttribute("data-language");
      const code = block.querySelector("code");
      if (!code || code.textContent.length > codeMax) continue;
      if (this.#highlight) colour(code, language, this.#highlight);
      else void this.#load().then((loaded) => loaded && colour(code, language, loaded));
    }
  }

  #load(): Promise<Highlight | undefined> {
    this.#loading ??= import("./code-languages.ts").then(
      ({ createHighlight }) => (this.#highlight = createHighlight()),
      // A browser does not ask again for a module that it could not load. Code has no colours until the page is reloaded.
      () => undefined,
    );
    return this.#loading;
  }
}

function colour(code: Element, language: string, highlight: Highlight): void {
  const source = code.textContent;
  const html = highlight(source, language);
  if (html === undefined) return;
  const coloured = sanitisedCode(html);
  if (coloured.textContent === source) code.replaceChildren(coloured);
}

/** The colours that `Markdown` gives to code. */
export const CodeColouring = createContext<CodeColours | undefined>(undefined);
