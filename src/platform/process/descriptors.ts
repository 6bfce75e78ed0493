import { closeSync, readFileSync, readdirSync } from "node:fs";

const O_CLOEXEC = 0o2000000;
let done = false;

/**
 * Closes, once, what this process inherited beyond stdin, stdout and stderr and would hand on to every child: an
 * inherited directory is a way out of a sandbox. Node marks all that it opens itself, and the lowest of what it inherits,
 * as close-on-exec; the rest it does not know of, and nothing in Node can mark it. (Only Linux tells which they are.)
 */
export function closeInheritedDescriptors(): void {
  if (done || process.platform !== "linux") return;
  done = true;
  for (const descriptor of readdirSync("/proc/self/fd").map(Number)) {
    if (descriptor > 2 && isHandedOn(descriptor)) closeSync(descriptor);
  }
}

function isHandedOn(descriptor: number): boolean {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1");
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? "", 8);
    return (flags & O_CLOEXEC) === 0;
  } catch {
    // The one through which the list was read.
    return false;
  }
}
