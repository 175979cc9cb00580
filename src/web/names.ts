/**
 * `ann`, `ann and ben`, `ann, ben and 3 others`
 * @param count the number of people, of whom some are not in the list
 */
export function namesOf(people: readonly { username: string }[], count = people.length): string {
  const names = people.map(({ username }) => username);
  if (names.length < 3 && count <= names.length) return names.join(" and ");
  const others = count - Math.min(names.length, 2);
  return `${names.slice(0, 2).join(", ")} and ${others} ${others === 1 ? "other" : "others"}`;
}

const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const letter = /[\p{L}\p{N}\p{S}]/u;
/** Scripts whose words have no spaces between them: one character says enough, and two are too wide. */
const wide =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{S}\p{Extended_Pictographic}]/u;

/** The first characters of the first and the last word of a name: `JD` for `Jane van Doe`, `J` for `jane_doe`, `田` for `田中太郎`. */
export function initialsOf(name: string): string {
  const words = name.split(/\s+/).flatMap((word) => {
    for (const { segment } of characters.segment(word)) if (letter.test(segment)) return segment;
    return [];
  });
  const [first = name.slice(0, 1), ...rest] = words;
  const last = rest.at(-1);
  const isOne = last === undefined || wide.test(first) || wide.test(last);
  return (isOne ? first : `${first}${last}`).toLocaleUpperCase();
}
