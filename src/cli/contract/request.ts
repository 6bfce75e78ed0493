import { MakimaError } from "../../core/errors.ts";
import type { ContractType } from "../../core/phases.ts";
import type { LoopConfig } from "../../platform/config/config.ts";
import type { CompletionAction, Fields } from "../../protocol/api.ts";
import type { Context } from "../context.ts";
import { nameOf, readGoal } from "../run/goal.ts";
import { limitsOf } from "../run/limits.ts";
import { findWorkplace } from "../run/repository.ts";
import type { Workplace } from "../run/repository.ts";
import type { Template } from "./template-file.ts";

/** What the command line says of a new contract; null and empty lists: nothing. */
export interface ContractFlags {
  type: ContractType | null;
  name: string | null;
  goal: string | null;
  item: string[];
  repo: string[];
  base: string | null;
  autonomousLoop: boolean;
  check: string[];
  budget: number | null;
  maxParallel: number | null;
  agent: string | null;
  bubblewrap: boolean;
  label: Record<string, string>;
  completionAction: CompletionAction | null;
  maxIterations: number | null;
  /** ms */
  timeout: number | null;
}

/** A new contract as the API wants it: flags before the template before the defaults. */
export async function contractRequest(
  context: Context,
  { flags, template, loop }: { flags: ContractFlags; template: Template; loop: LoopConfig },
): Promise<Fields<"openContract">> {
  const goal = await goalOf(context, flags, template);
  const [main, ...others] = await findWorkplaces(context, flags, template);
  return {
    name: flags.name?.trim() || (template.name ?? nameOf(goal)),
    goal,
    type: flags.type ?? template.type,
    goals: firstGiven(flags.item, template.goals),
    repository: main.topLevel,
    base: main.baseCommit,
    ...(main.branch === null ? {} : { baseBranch: main.branch }),
    repositories: others.map(({ topLevel: path, baseCommit: base, branch }) => ({ path, base, branch })),
    completionAction: flags.completionAction ?? template.completionAction,
    budgetUsd: flags.budget ?? template.budget,
    maxParallel: flags.maxParallel ?? template.maxParallel,
    agent: main.agent,
    checks: firstGiven(flags.check, template.checks),
    labels: { ...template.labels, ...flags.label },
    settings: {
      autonomousLoop: flags.autonomousLoop || template.autonomousLoop === true,
      bubblewrap: flags.bubblewrap,
      limits: limitsOf(loop, flags),
    },
  };
}

async function goalOf(context: Context, { goal }: ContractFlags, template: Template): Promise<string> {
  if (goal !== null) return readGoal(goal, context);
  if (template.goal !== undefined) return readGoal(template.goal, { ...context, literal: true });
  throw new MakimaError("goal_invalid", "No goal is given", {
    hint: "State it with --goal, in words or as @file; a template may have one too.",
  });
}

/** Never empty; a base is looked up in the first one. */
async function findWorkplaces(
  context: Context,
  { repo, base, agent }: ContractFlags,
  template: Template,
): Promise<[Workplace, ...Workplace[]]> {
  const [first = null, ...rest] = repo;
  const wanted = agent ?? template.agent ?? null;
  const main = await findWorkplace(context, { dir: first, base, agent: wanted });
  const others = await Promise.all(rest.map((dir) => findWorkplace(context, { dir, base: null, agent: main.agent })));
  return [main, ...others];
}

function firstGiven(given: readonly string[], otherwise: readonly string[] = []): string[] {
  return [...(given.length > 0 ? given : otherwise)];
}
