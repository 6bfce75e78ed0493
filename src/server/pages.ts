/** UUIDv7s sort by time, so the last id of a page is all that the next one needs: what is added since comes before it. */
export interface PageRequest {
  limit: number;
  /** Id of the last item of the page before. */
  cursor?: string | undefined;
}

export interface PageOf<T> {
  items: T[];
  /** Cursor of the next page, null on the last one. */
  next: string | null;
}

/** Cuts a page out of `found`, which holds one item more than the page where there is a next one. */
export function newestFirst<T extends { id: string }>(found: readonly T[], { limit }: PageRequest): PageOf<T> {
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}
