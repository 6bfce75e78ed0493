import { MakimaError } from "../../core/errors.ts";

/**
 * Options that a person may add, and how many arguments each takes: with another number bwrap would take an argument for
 * the program, or the program for an argument. Not among them are those that name a descriptor (the sandbox inherits
 * none), give back what makima takes away (capabilities, the host's network), or are makima's own to say.
 */
const ALLOWED: Readonly<Record<string, number>> = {
  "--bind": 2,
  "--bind-try": 2,
  "--chmod": 2,
  "--dev-bind": 2,
  "--dev-bind-try": 2,
  "--dir": 1,
  "--exec-label": 1,
  "--file-label": 1,
  "--hostname": 1,
  "--mqueue": 1,
  "--perms": 1,
  "--remount-ro": 1,
  "--ro-bind": 2,
  "--ro-bind-try": 2,
  "--setenv": 2,
  "--size": 1,
  "--symlink": 2,
  "--tmpfs": 1,
  "--unsetenv": 1,
  "--unshare-net": 0,
};

/** Throws `config_invalid` unless `args` are whole options that a person may add. */
export function requireExtraArguments(args: readonly string[]): void {
  const problem = extraArgumentsProblem(args);
  if (problem === null) return;
  throw new MakimaError("config_invalid", `[process.bubblewrap] extraArgs: ${problem}`, {
    hint: `It takes these options of bwrap, each word an item of the list: ${Object.keys(ALLOWED).join(" ")}`,
  });
}

function extraArgumentsProblem(args: readonly string[]): string | null {
  for (let index = 0; index < args.length;) {
    const option = args[index] ?? "";
    const count = Object.hasOwn(ALLOWED, option) ? ALLOWED[option] : undefined;
    if (count === undefined) return `${JSON.stringify(option)} is not allowed here`;
    const values = args.slice(index + 1, index + 1 + count);
    if (values.length < count) return `${option} takes ${count === 1 ? "1 argument" : `${count} arguments`}`;
    if (values.some((value) => value.includes("\0"))) return `${option} is given a NUL`;
    index += 1 + count;
  }
  return null;
}
