/**
 * A list that mostly has one item, which is kept without an array: an array of one takes 56 bytes, and there are several such
 * lists for each socket. Its items must not be arrays.
 */
export type CompactList<Item> = Item | readonly Item[] | undefined;

/** @returns the items in the order in which they were added */
export function itemsOf<Item>(list: CompactList<Item>): readonly Item[] {
  if (list === undefined) return [];
  return isMany(list) ? list : [list];
}

export function withItem<Item>(list: CompactList<Item>, item: Item): CompactList<Item> {
  return list === undefined ? item : [...itemsOf(list), item];
}

/** @returns undefined when nothing is left */
export function withoutItem<Item>(list: CompactList<Item>, item: Item): CompactList<Item> {
  const left = itemsOf(list).filter((other) => other !== item);
  return left.length > 1 ? left : left[0];
}

function isMany<Item>(list: Item | readonly Item[]): list is readonly Item[] {
  return Array.isArray(list);
}
