/** PostgreSQL takes payloads below 8000 bytes. */
const LARGEST = 7_900;

/** More notices than this say less than they cost: whoever gets them wakes everybody instead. */
const MOST = 8;

/** What another server is told after a commit: which topics to wake; null: all of them. */
export interface Notice {
  /** The store that says it. */
  from: string;
  topics: readonly string[] | null;
}

/** The payloads that tell of these topics; none where there is nothing to tell. */
export function encodeNotices(from: string, topics: ReadonlySet<string>): string[] {
  const groups: string[][] = [];
  let room = 0;
  for (const topic of topics) {
    const size = Buffer.byteLength(JSON.stringify(topic)) + 1;
    if (size > room) {
      groups.push([]);
      room = LARGEST - Buffer.byteLength(encode({ from, topics: [] }));
    }
    if (groups.length > MOST || size > room) return [encode({ from, topics: null })];
    groups.at(-1)?.push(topic);
    room -= size;
  }
  return groups.map((group) => encode({ from, topics: group }));
}

/** Anybody who may write to the database may send anything: what makes no sense could mean anything. */
export function decodeNotice(payload: string): Notice {
  try {
    const { from, topics } = JSON.parse(payload) as Partial<Notice>;
    const named = Array.isArray(topics) && topics.every((topic) => typeof topic === "string");
    return { from: String(from), topics: named ? topics : null };
  } catch {
    return { from: "", topics: null };
  }
}

function encode(notice: Notice): string {
  return JSON.stringify(notice);
}
