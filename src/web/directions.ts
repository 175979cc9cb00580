// Right-to-left text: each paragraph has the direction of its first letter. `/bot`, code and formulas don't count.

/** Hebrew, Arabic and their relatives. */
const rightToLeft =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

const firstLetter = /\p{L}/u;
const questionMark = /^\s*\/bot(?=\s)/i;

/** Splits `/bot` from what is asked. */
export function questionIn(text: string): { command: string; rest: string } {
  const [command = ""] = questionMark.exec(text) ?? [];
  return { command, rest: text.slice(command.length) };
}

/** The `dir` of a field: browsers decide by the first letter, which for a question would be that of `/bot`. */
export function directionOfDraft(text: string): "auto" | "rtl" {
  const { command, rest } = questionIn(text);
  const [letter = ""] = firstLetter.exec(rest) ?? [];
  return command !== "" && rightToLeft.test(letter) ? "rtl" : "auto";
}

/** The direction of the first letter outside of code and formulas. */
function directionOf(element: Element): "ltr" | "rtl" | undefined {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { textContent, parentElement } = texts.currentNode;
    const [letter] = firstLetter.exec(textContent ?? "") ?? [];
    if (letter === undefined || parentElement?.closest("code, var")) continue;
    return rightToLeft.test(letter) ? "rtl" : "ltr";
  }
  return undefined;
}

/** Gives every paragraph, list item and cell within a node its direction, and what surrounds them that of the first. */
export function setDirections(within: DocumentFragment): void {
  for (const element of within.querySelectorAll<HTMLElement>("code, pre, var")) element.dir = "ltr";
  for (const element of within.querySelectorAll<HTMLElement>("p, h3, h4, h5, h6, td, th")) {
    element.dir = "auto";
  }
  // `auto` would ignore the text of elements that have a direction themselves.
  for (const element of within.querySelectorAll<HTMLElement>("ul, ol, li, blockquote, table")) {
    element.dir = directionOf(element) ?? "";
  }
}
