import { ERRORS } from "../../src/core/errors.ts";

/** What an exit code means besides the errors that lead to it. */
const EXITS: Readonly<Record<number, string>> = {
  0: "done",
  1: "the work failed",
  2: "usage",
  3: "not found",
  4: "not allowed",
  5: "conflict",
  6: "unavailable",
  7: "timed out",
  130: "interrupted",
};

export function exitCodeReference(): string {
  const rows = Object.entries(EXITS).map(([exit, meaning]) => {
    const codes = Object.entries(ERRORS).filter(([, error]) => String(error.exit) === exit);
    return `| ${exit} | ${meaning} | ${codes.map(([code]) => `\`${code}\``).join(" ")} |`;
  });
  return ["| exit code | meaning | errors with it |", "|---|---|---|", ...rows, ""].join("\n");
}
