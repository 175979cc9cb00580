/** Text that PostgreSQL and UTF-8 can carry: U+0000 and lone surrogates become U+FFFD. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}
