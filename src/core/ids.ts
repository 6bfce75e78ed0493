/**
 * A UUIDv7: 48 bits of time, then random bits.
 * @param now milliseconds since the epoch
 * @param random at least 10 random bytes; throws a RangeError when there are fewer
 */
export function uuidv7(now: number, random: Uint8Array): string {
  if (random.length < 10) throw new RangeError("uuidv7 needs 10 random bytes");
  const bytes = new Uint8Array(16);
  for (let at = 5, rest = now; at >= 0; at--, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Eight characters of an id for people. The last ones: a UUIDv7 starts with its time, so neighbours begin alike. */
export function shortId(id: string): string {
  return id.replaceAll("-", "").slice(-8);
}

/** Lower-case letters, digits and single dashes, at most `max` characters; "untitled" when nothing of it is left. */
export function slug(text: string, max: number): string {
  // A goal may be megabytes long; only its beginning can end up in a name.
  const ascii = text
    .slice(0, max * 8)
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();
  const dashed = ascii.replace(/[^a-z0-9]+/g, "-").replace(/^-/, "");
  return dashed.slice(0, max).replace(/-$/, "") || "untitled";
}

/** The branch of a task: `makima/<contract-slug>/<task-slug>-<short id>`. */
export function taskBranch(contractSlug: string, taskSlug: string, taskShortId: string): string {
  return `makima/${contractSlug}/${taskSlug}-${taskShortId}`;
}

/** Where the finished tasks of a contract are merged: `makima/<contract-slug>/integration-<short id>`. */
export function integrationBranch(contractSlug: string, contractShortId: string): string {
  return `makima/${contractSlug}/integration-${contractShortId}`;
}

/**
 * makima's own rule for branch names, far narrower than git's: `[a-z0-9._/-]`, no component that is empty, starts with
 * a dot or a dash, or ends in a dot or `.lock`, no `..`, at most 200 characters. Every such name is a valid ref, no
 * option and no shell syntax.
 */
export function isBranchName(name: string): boolean {
  if (name.length > 200 || !/^[a-z0-9._/-]+$/.test(name) || name.includes("..")) return false;
  return name.split("/").every((part) => part !== "" && !/^[.-]/.test(part) && !/(?:\.|\.lock)$/.test(part));
}

/**
 * Whether git takes it for the name of a branch, tag or other ref, or it is a commit id; at most 200 characters. Nothing
 * of the kind is an option, an expression such as `main~2` or `a..b`, or has spaces in it.
 */
export function isRefName(name: string): boolean {
  if (name.length > 200 || name === "@" || NEVER_IN_REFS.test(name)) return false;
  if (/^-|\.$/.test(name) || name.includes("..") || name.includes("@{")) return false;
  return name.split("/").every((part) => part !== "" && !part.startsWith(".") && !part.endsWith(".lock"));
}

/** See `git check-ref-format`; beyond ASCII, what cannot be seen or would split a line is refused as well. */
const NEVER_IN_REFS = /[\p{C}\p{Z} ~^:?*[\\]/u;
