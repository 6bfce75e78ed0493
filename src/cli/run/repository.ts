import { resolve } from "node:path";
import { createGit } from "../../platform/git/git.ts";
import { inspectRepository } from "../../platform/git/repository.ts";
import type { Repository } from "../../platform/git/repository.ts";
import type { Context } from "../context.ts";

/** What the person says of it; null: nothing. */
export interface WorkplaceFlags {
  /** Default: the present directory. */
  dir: string | null;
  /** Default: HEAD. */
  base: string | null;
  /** Default: what the repository's `.makima.toml` says at the base, else claude. */
  agent: string | null;
}

export interface Workplace extends Repository {
  agent: string;
}

/** A repository to work in. Throws `repository_invalid`, `base_unknown`, or `config_invalid` for its `.makima.toml`. */
export async function findWorkplace({ env, cwd }: Context, { dir, base, agent }: WorkplaceFlags): Promise<Workplace> {
  const git = createGit(env);
  const repository = await inspectRepository(git, resolve(cwd, dir ?? "."), base ?? undefined);
  if (agent !== null) return { ...repository, agent };
  const { readRepositoryConfig } = await import("../../platform/config/repository.ts");
  const asked = await readRepositoryConfig(git, repository.topLevel, repository.baseCommit);
  return { ...repository, agent: asked.agent ?? "claude" };
}
