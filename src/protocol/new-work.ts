import { z } from "zod";
import { CompletionAction, ContractType, Repository } from "./entities.ts";
import { Id } from "./identifiers.ts";
import { Labels } from "./labels.ts";
import { MAX_GOAL } from "./routes.ts";
import { LoopLimits } from "./run-spec.ts";
import { line, text } from "./text.ts";

/** What a caller says of a new contract or task. */

const Settings = z.strictObject({
  autonomousLoop: z.boolean(),
  limits: LoopLimits,
  /** Agents and checks run in a sandbox, whatever their daemon is configured to. */
  bubblewrap: z.boolean().default(false),
});

/** Full commit id; the caller resolves names, so that "HEAD at that moment" means the caller's moment. */
const commit = z.string().regex(/^[0-9a-f]{40,64}$/);

/** What a task needs besides its name and goal; a contract keeps them as the defaults of its tasks. */
const work = {
  repository: line(4096),
  base: commit,
  agent: line(100).default("claude"),
  checks: z.array(text(10_000)).max(100).default([]),
  labels: Labels.default({}),
  settings: Settings,
};

export const TaskDefaults = z.strictObject(work);
export type TaskDefaults = z.output<typeof TaskDefaults>;

export const GoalText = line(500);

/** What a contract has besides the defaults of its tasks. */
const terms = {
  name: line(200),
  goal: text(MAX_GOAL),
  type: ContractType.default("simple"),
  /** The checklist. */
  goals: z.array(GoalText).max(100).default([]),
  /** Branch that was checked out in `repository`, where its work is to go in the end; absent: none was. */
  baseBranch: line(300).optional(),
  /** Further repositories that tasks of it may work in. */
  repositories: z.array(Repository).max(20).default([]),
  completionAction: CompletionAction.default("none"),
  budgetUsd: z.number().positive().nullable().default(null),
  maxParallel: z.int().min(1).max(10_000).nullable().default(null),
};

/** A new contract and its first task: one with the contract's goal, or a supervisor that is to drive the contract. */
export const CreateContract = z.strictObject({
  ...terms,
  supervisor: z.boolean().default(false),
  includeChanges: z.boolean().default(false),
  ...work,
});
export type CreateContract = z.input<typeof CreateContract>;

/** A new contract that a person drives: it has no task yet. */
export const OpenContract = z.strictObject({ ...terms, ...work });
export type OpenContract = z.input<typeof OpenContract>;

/** A further task of a contract; what is absent is as the contract has it. */
export const CreateTask = z.strictObject({
  name: line(200),
  goal: text(MAX_GOAL),
  /** Task that it is listed under; of a task's own request, absent means that task. */
  parent: Id.optional(),
  after: z.array(Id).max(100).default([]),
  /** One of the contract's. */
  repository: work.repository.optional(),
  /**
   * Branch, tag or commit that it starts from, looked up when it starts. Absent: the contract's integration branch as it
   * is then, or where nothing was merged yet the contract's base.
   */
  base: line(300).optional(),
  agent: line(100).optional(),
  checks: z.array(text(10_000)).max(100).optional(),
  labels: Labels.optional(),
  /** `autonomousLoop` is always the contract's. */
  limits: LoopLimits.partial().optional(),
});
export type CreateTask = z.input<typeof CreateTask>;
