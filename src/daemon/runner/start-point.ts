import { MakimaError } from "../../core/errors.ts";
import { NO_COMMIT, readRef } from "../../platform/git/refs.ts";
import type { Command } from "../../protocol/link.ts";
import type { RunSpec } from "../../protocol/run-spec.ts";
import { requireAllowed } from "../repositories.ts";
import type { RunnerServices } from "./context.ts";

type StartAt = Extract<Command, { kind: "SpawnTask" }>["startAt"];
type Services = Pick<RunnerServices, "git" | "allowsRepository">;

/**
 * The commit that a run starts from: the tip of `startAt` as it is now in the repository, else the base that the spec
 * names. Throws `base_unknown` when it must be there and is not, `forbidden` for a repository that is not to be touched.
 */
export async function startPoint(services: Services, spec: RunSpec, startAt: StartAt): Promise<string> {
  if (startAt === null) return spec.base;
  await requireAllowed(services.allowsRepository, spec.repository);
  const at = { cwd: spec.repository };
  // A tag of the same name is not what is meant, and git would take that first.
  for (const name of [`refs/heads/${startAt.ref}`, startAt.ref]) {
    const commit = await readRef(services.git, at, name);
    if (commit !== NO_COMMIT) return commit;
  }
  if (!startAt.required) return spec.base;
  throw new MakimaError("base_unknown", `No commit is called ${JSON.stringify(startAt.ref)} in ${spec.repository}`);
}
