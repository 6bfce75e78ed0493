import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadedConfig } from "../../platform/config/load.ts";
import { createGit } from "../../platform/git/git.ts";
import { inspectRepository } from "../../platform/git/repository.ts";
import { diagnoseSandbox } from "../../platform/sandbox/diagnose.ts";
import type { Finding } from "../../platform/sandbox/diagnose.ts";
import type { Context } from "../context.ts";
import { sandboxArguments } from "../local/sandbox.ts";

/** Whether sandboxes can be had here. Where none is configured that keeps nothing from working. */
export async function checkSandbox({ env }: Context, { config }: LoadedConfig): Promise<Finding[]> {
  const findings = await diagnoseSandbox(env);
  if (config.process.bubblewrap.enabled) return findings;
  return findings.map((finding) => (finding.state === "broken" ? { ...finding, state: "note" } : finding));
}

/**
 * Prints bwrap with the arguments that it is started with for the repository that `dir` lies in, as a list or for a shell;
 * a directory that is not there stands for the checkout.
 */
export async function printSandbox(context: Context, loaded: LoadedConfig, dir: string): Promise<number> {
  const { output } = context;
  const repository = await inspectRepository(createGit(context.env), dir);
  const checkout = await mkdtemp(join(tmpdir(), "makima-sandbox-"));
  try {
    const words = await sandboxArguments(context, checkout, { loaded, repository, network: null });
    output.document(words);
    output.line(`git clone --quiet --shared ${quote(repository.topLevel)} ${quote(checkout)}`);
    output.line(`${lines(words).join(" \\\n  ")} \\\n  bash`);
    return 0;
  } finally {
    await rmdir(checkout);
  }
}

/** An option with its values on each line. */
function lines(words: readonly string[]): string[] {
  const found: string[] = [];
  for (const word of words) {
    const last = found.at(-1);
    if (last === undefined || word.startsWith("--")) found.push(quote(word));
    else found[found.length - 1] = `${last} ${quote(word)}`;
  }
  return found;
}

/** As one word of a POSIX shell. */
function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
