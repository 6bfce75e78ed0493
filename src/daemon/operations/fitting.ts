/** The first of `items`: at most `max` of them, and not more than `maxBytes` as JSON. An answer must fit one frame of the link. */
export function fitting<T>(items: readonly T[], { max, maxBytes }: { max: number; maxBytes: number }): T[] {
  let room = maxBytes;
  const end = items.findIndex((item, index) => {
    room -= Buffer.byteLength(JSON.stringify(item)) + 1;
    return index === max || room < 0;
  });
  return items.slice(0, end === -1 ? items.length : end);
}
