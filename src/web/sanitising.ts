// Answers and messages come from outside. Three walls keep them harmless: HTML in them is shown as text, except for three
// tags without attributes (safe-tags.ts); DOMPurify lets only the elements and attributes below through; and the page's
// Content-Security-Policy allows no script, style or image from anywhere else.
import DOMPurify, { type Config } from "dompurify";

const purifier = DOMPurify(window);
purifier.addHook("afterSanitizeAttributes", (element) => {
  if (!(element instanceof HTMLAnchorElement) || !element.hasAttribute("href")) return;
  element.target = "_blank";
  element.rel = "noopener noreferrer nofollow";
});

const strict = { ALLOW_ARIA_ATTR: false, ALLOW_DATA_ATTR: false } satisfies Config;

const textTags =
  "a blockquote br code del em h3 h4 h5 h6 hr li ol p pre strong sub sup table tbody td th thead tr ul var";

/** HTML of markdown-blocks.ts as nodes that may be shown. */
export function sanitisedText(html: string): DocumentFragment {
  return purifier.sanitize(html, {
    ...strict,
    ALLOWED_TAGS: textTags.split(" "),
    ALLOWED_ATTR: ["data-language", "href", "start"],
    ADD_URI_SAFE_ATTR: ["data-language"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    RETURN_DOM_FRAGMENT: true,
  });
}

const codeClass = /^hljs-[a-z_-]+$/;

/** HTML of code-languages.ts as nodes that may be shown. Of the classes, only those of its own colours stay. */
export function sanitisedCode(html: string): DocumentFragment {
  const fragment = purifier.sanitize(html, {
    ...strict,
    ALLOWED_TAGS: ["span"],
    ALLOWED_ATTR: ["class"],
    RETURN_DOM_FRAGMENT: true,
  });
  for (const element of fragment.querySelectorAll("[class]")) {
    element.className = [...element.classList].filter((name) => codeClass.test(name)).join(" ");
  }
  return fragment;
}

const formulaTags =
  "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow mspace msqrt mstyle msub " +
  "msubsup msup mtable mtd mtext mtr munder munderover";
const formulaAttributes =
  "accent accentunder class columnspan data-style depth display displaystyle fence form height largeop linethickness lspace " +
  "mathbackground mathcolor mathvariant maxsize minsize movablelimits notation rowspan rspace scriptlevel separator " +
  "stretchy symmetric voffset width";
const formulaStyles =
  /^(?:background-color|border(?:-(?:top|right|bottom|left))?|color|font-weight|margin-left|math-depth|padding(?:-(?:top|right|bottom|left))?|text-align|width)$/;

/**
 * MathML of formulas.ts as nodes that may be shown. The policy of the page allows no `style` attribute in HTML, but a script
 * may set styles: those that formulas need, except large negative spaces, which move a formula over something else.
 */
export function sanitisedFormula(mathMl: string): DocumentFragment {
  const fragment = purifier.sanitize(mathMl.replaceAll(' style="', ' data-style="'), {
    ...strict,
    ALLOWED_TAGS: formulaTags.split(" "),
    ALLOWED_ATTR: formulaAttributes.split(" "),
    ADD_URI_SAFE_ATTR: ["data-style"],
    RETURN_DOM_FRAGMENT: true,
  });
  for (const element of fragment.querySelectorAll<MathMLElement>("[data-style]")) {
    const declarations = element.dataset.style?.split(";") ?? [];
    element.removeAttribute("data-style");
    for (const declaration of declarations) {
      const [name = "", value = ""] = declaration.split(":");
      if (!formulaStyles.test(name) || Number.parseFloat(value) < -1) continue;
      element.style.setProperty(name, value.trim());
    }
  }
  return fragment;
}

/** Returns whether a URL may be a link. */
export function isWebAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
