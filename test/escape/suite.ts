import type { EscapeClass } from "./case.ts";
import { HOME } from "./cases/home.ts";
import { LIMITS } from "./cases/limits.ts";
import { PRIVILEGES } from "./cases/privileges.ts";
import { PROCESSES } from "./cases/processes.ts";
import { REPOSITORY } from "./cases/repository.ts";
import { SECRETS } from "./cases/secrets.ts";
import { OFFLINE, SURROUNDINGS } from "./cases/surroundings.ts";
import { TASKS } from "./cases/tasks.ts";
import { WORK } from "./cases/work.ts";

/** Tried in one sandbox, in this order: what an attack has spoilt after all, the work would miss. */
export const SUITE: readonly EscapeClass[] = [
  HOME,
  SECRETS,
  REPOSITORY,
  TASKS,
  PROCESSES,
  PRIVILEGES,
  SURROUNDINGS,
  LIMITS,
  WORK,
];

/** Tried in a sandbox without a network. */
export const WITHOUT_NETWORK: readonly EscapeClass[] = [OFFLINE];
