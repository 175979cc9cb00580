// Loaded with the first formula that is shown: Temml is larger than all the rest of the page.
import temml from "temml";

/** In em; larger blanks and boxes are cut to it. */
const sizeMax = 20;
/** Limits macros that call themselves. */
const expansionsMax = 500;

/**
 * TeX to MathML.
 * @throws when the TeX has a mistake, a command that Temml does not know, or one that would write HTML or load something
 */
export function toMathMl(tex: string, isDisplay: boolean): string {
  return temml.renderToString(tex, {
    displayMode: isDisplay,
    throwOnError: true,
    trust: false,
    maxExpand: expansionsMax,
    maxSize: [sizeMax, sizeMax],
  });
}
