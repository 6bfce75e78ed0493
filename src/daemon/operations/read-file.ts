import type { FileHandle } from "node:fs/promises";
import { MakimaError } from "../../core/errors.ts";
import { readBlob, readTreeEntry } from "../../platform/git/tree-entry.ts";
import { openInside } from "../../platform/open-inside.ts";
import type { NotOpened } from "../../platform/open-inside.ts";
import { MAX_CONTENT } from "../../protocol/operations.ts";
import type { OperationResult } from "../../protocol/operations.ts";
import type { Checkout } from "../checkout/checkout.ts";
import { locationOf } from "../checkout/checkout.ts";
import { findNamed, taskCheckout, taskTip } from "./context.ts";
import type { Carry, OperationContext } from "./context.ts";

/** Reads a file as it is in a task's checkout; or as it is in a commit, of the task's branch where none is named. */
export const readFile: Carry<"ReadFile"> = async (context, { place, path, ref }) => {
  requireSound(path);
  const checkout = await taskCheckout(context, place);
  const { git, at } = context;
  if (ref !== null) {
    // In the checkout, where there is one: HEAD and the like mean those of the task.
    const there = { git, at: checkout === null ? at : locationOf(checkout) };
    return readCommitted(there, await named(there, ref), path);
  }
  if (checkout !== null) return readPresent(checkout, path);
  return readCommitted({ git, at }, await taskTip(context, place), path);
};

/** Relative, plain, and nothing of git's own. */
function requireSound(path: string): void {
  const parts = path.split("/");
  const sound = parts.every((part) => !["", ".", "..", ".git"].includes(part.toLowerCase()));
  if (sound && !path.includes("\0")) return;
  throw new MakimaError("invalid_request", `${JSON.stringify(path)} is not the path of a file in a checkout`, {
    hint: "Give it relative to the repository's top level, without `.` and `..`.",
  });
}

/** A repository, or a checkout, in which a commit is looked up. */
type Where = Pick<OperationContext, "git" | "at">;

async function named({ git, at }: Where, ref: string): Promise<string> {
  const commit = await findNamed({ git, at }, ref);
  if (commit !== null) return commit;
  throw new MakimaError("base_unknown", `No commit is called ${JSON.stringify(ref)} in ${at.cwd}`);
}

async function readPresent({ dir }: Checkout, path: string): Promise<OperationResult<"ReadFile">> {
  const opened = await openInside(dir, path, ".git");
  if (typeof opened === "string") throw REFUSALS[opened](JSON.stringify(path));
  await using file = opened;
  const { size } = await file.stat();
  const content = await firstBytes(file, Math.min(size, MAX_CONTENT));
  return { path, content: content.toString("base64"), size, truncated: size > content.length };
}

/** A link is shown as what it is: the path that it leads to. */
async function readCommitted({ git, at }: Where, commit: string, path: string): Promise<OperationResult<"ReadFile">> {
  const entry = await readTreeEntry(git, at, commit, path);
  if (entry === null) throw REFUSALS.missing(JSON.stringify(path));
  if (entry.type === "tree") throw REFUSALS.directory(JSON.stringify(path));
  if (entry.type === "commit") throw refused(`${JSON.stringify(path)} is a submodule`);
  const { content, size } = await readBlob(git, at, entry.id, MAX_CONTENT);
  return { path, content: content.toString("base64"), size, truncated: size > content.length };
}

const REFUSALS: Record<NotOpened, (path: string) => MakimaError> = {
  missing: (path) =>
    new MakimaError("not_found", `There is no file ${path}`, {
      hint: "The task's diff lists the files that it has changed; or name a branch or commit that has the file.",
    }),
  outside: (path) => new MakimaError("forbidden", `${path} leads out of the checkout`, { hint: "Read a file in it." }),
  directory: (path) => refused(`${path} is a directory`),
  special: (path) => refused(`${path} is no regular file`),
  unreadable: (path) =>
    new MakimaError("forbidden", `The daemon may not read ${path}`, { hint: "See the file's mode." }),
};

function refused(message: string): MakimaError {
  return new MakimaError("invalid_request", message, { hint: "Only regular files can be read." });
}

/** The file may be cut short meanwhile. */
async function firstBytes(file: FileHandle, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
