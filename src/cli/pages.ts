/** Most entries that a page of the API may have. */
const LARGEST_PAGE = 500;

interface PageQuery {
  limit: number;
  cursor?: string;
}

/** Every page of a list, first to last. */
export async function* pagesOf<P extends { next: string | null }>(
  read: (query: PageQuery) => Promise<P>,
): AsyncGenerator<P, void> {
  let page = await read({ limit: LARGEST_PAGE });
  yield page;
  while (page.next !== null) {
    page = await read({ limit: LARGEST_PAGE, cursor: page.next });
    yield page;
  }
}

/** The entries of every page. */
export async function allOf<P extends { next: string | null }, T>(
  read: (query: PageQuery) => Promise<P>,
  entries: (page: P) => T[],
): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pagesOf(read)) all.push(...entries(page));
  return all;
}
