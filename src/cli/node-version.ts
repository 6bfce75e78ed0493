import { MakimaError } from "../core/errors.ts";

/** The oldest Node that has all that makima uses, `node:sqlite` and zstd among it; package.json says the same. */
const OLDEST = 24;

/** Throws `unavailable` on a Node that is too old, before anything is loaded that it does not know. */
export function requireNode(version: string): void {
  if (Number.parseInt(version, 10) >= OLDEST) return;
  throw new MakimaError("unavailable", `This is Node ${version}, and makima needs Node ${OLDEST} or newer`, {
    hint: `Install Node ${OLDEST} or newer, and put it first in PATH.`,
  });
}
