export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS = { d: DAY, h: HOUR, m: MINUTE, s: SECOND, ms: 1 } as const;

/** Milliseconds of "15m", "1h30m" or "250ms" (units d, h, m, s, ms, largest first); null for anything else. */
export function parseDuration(text: string): number | null {
  const match = /^(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text.trim());
  if (match === null) return null;
  const sizes = Object.values(UNITS);
  const total = match.slice(1).reduce((sum, count, index) => sum + Number(count ?? 0) * (sizes[index] ?? 0), 0);
  return Number.isSafeInteger(total) ? total : null;
}

/** The shortest text that `parseDuration` reads back as `ms`. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = "";
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === "" ? "0s" : text;
}

const SIZES = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40 };

/** Bytes of "500MB", "20GB" or "1.5GiB", at least one; null for anything else. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?) ?([KMGT]i?B|B)$/i.exec(text.trim());
  if (match === null) return null;
  const bytes = Math.floor(Number(match[1]) * SIZES[String(match[2]).toUpperCase() as keyof typeof SIZES]);
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : null;
}

/** A text that `parseSize` reads back as `bytes`: in the largest unit that gives a whole number. */
export function formatSize(bytes: number): string {
  const [unit, size] = (
    [
      ["TB", 1e12],
      ["GB", 1e9],
      ["MB", 1e6],
      ["KB", 1e3],
    ] as const
  ).find(([, candidate]) => bytes % candidate === 0) ?? ["B", 1];
  return `${bytes / size}${unit}`;
}
