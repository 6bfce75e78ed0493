import { join } from "node:path";
import { Sandboxes } from "../../src/daemon/sandbox/sandboxes.ts";
import type { BubblewrapConfig } from "../../src/platform/config/config.ts";
import { defaultConfig } from "../../src/platform/config/config.ts";
import { paths } from "../../src/platform/config/paths.ts";

/** What a daemon is configured to when nothing is said of the sandbox. */
export const noSandbox: BubblewrapConfig = defaultConfig().process.bubblewrap;

interface Place {
  worktrees: string;
  environment: Record<string, string>;
}

/** The sandboxes of a daemon that keeps everything in a directory beside its checkouts. */
export function sandboxesAt({ worktrees, environment }: Place, config: Partial<BubblewrapConfig> = {}): Sandboxes {
  return new Sandboxes({
    config: { ...noSandbox, ...config },
    environment,
    paths: paths(join(worktrees, "..", "makima")),
    worktrees,
    secrets: [],
    selfCommand: [],
  });
}
