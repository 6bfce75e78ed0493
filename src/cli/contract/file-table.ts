import type { ContractFile } from "../../protocol/api.ts";
import { brief, count, elapsed, inline, table } from "../format.ts";

const MAX_TITLE = 60;

/** The lines of a list of files; the first is the head. `now`: epoch ms. */
export function fileTable(files: readonly ContractFile[], now: number): string[] {
  const rows = files.map(({ name, version, phase, size, updatedAt, title }) => [
    inline(name),
    String(version),
    phase,
    count(size, "character"),
    elapsed(Math.max(0, now - updatedAt)),
    brief(title, MAX_TITLE),
  ]);
  return table([["FILE", "VERSION", "PHASE", "SIZE", "CHANGED", "TITLE"], ...rows]);
}
