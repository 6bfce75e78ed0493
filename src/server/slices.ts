/** Rows or parameters of one statement: few statements for many of them, and far from the engines' limits. */
const LENGTH = 500;

export function* slices<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += LENGTH) yield items.slice(start, start + LENGTH);
}
