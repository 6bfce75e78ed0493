/**
 * One thing that a process in the sandbox tries. Its script is run by sh in the checkout and exits with 0 when it has done
 * what its name says. See world.ts for the variables that name what lies outside.
 */
export interface EscapeCase {
  name: string;
  must: "fail" | "succeed";
  script: string;
  control: Control;
  /** Known and documented: nothing keeps root from it. */
  rootMay?: true;
}

/**
 * What the same script comes to without the sandbox: were it not done there, its failure inside would prove nothing.
 * `done as root`: needs rights that only root has, so it is tried as root only. `untried`: why it cannot be.
 */
export type Control = "done" | "done as root" | { untried: string };

/** Cases of one kind; `defends` says what they show, for docs/security.md. */
export interface EscapeClass {
  title: string;
  defends: string;
  /** Directory below the home that is put back before each without a sandbox, for they do spoil it there. */
  spoils?: string;
  cases: readonly EscapeCase[];
}

/** Something that must not be possible. */
export function attack(name: string, script: string, control: Control = "done"): EscapeCase {
  return { name, must: "fail", script, control };
}

/** Something that must be possible. */
export function work(name: string, script: string): EscapeCase {
  return { name, must: "succeed", script, control: { untried: "it succeeds inside" } };
}

/** A script in Python, for what no command does. */
export function python(code: string): string {
  return `python3 - <<'END'\n${pythonProgram(code)}\nEND`;
}

/** `libc` is there, and `done(result)`, which exits as is right for what a system call gave. */
export function pythonProgram(code: string): string {
  const lines = [
    "import ctypes, os, socket, struct, sys",
    "libc = ctypes.CDLL(None, use_errno=True)",
    "def done(result): sys.exit(0 if result >= 0 else 1)",
    code.trim(),
  ];
  return lines.join("\n");
}

/** Reasons why something is not tried without the sandbox. */
export const MACHINE_WIDE: Control = { untried: "it would change the machine that the tests run on" };
export const NEEDS_CAPABILITY: Control = { untried: "needs a capability that root may lack in a container" };
/** A kernel may let bwrap alone make namespaces. */
export const PROGRAMS_DIFFER: Control = { untried: "some machines let no other program than bwrap do it" };
export const MACHINES_DIFFER: Control = { untried: "not every machine has one" };

/** In the command line of what one of the cases starts and leaves: with the sandbox it has to end. */
export const LEFT_BEHIND = "makima-escape-left-behind";
