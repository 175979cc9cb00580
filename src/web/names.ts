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
