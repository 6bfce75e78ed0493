import { shortId } from "../../core/ids.ts";
import type { Contract, ContractFile, Question, Report, Task } from "../../protocol/api.ts";
import type { Operation, OperationKind } from "../../protocol/operations.ts";
import type { Change } from "../../protocol/subscriptions.ts";
import { reportLines } from "../follow/report.ts";
import { inline } from "../format.ts";
import type { Story } from "../output.ts";

type Style = Story["style"];
/** The feed leaves out the goal, which may be long and never changes. */
type ContractState = Omit<Contract, "goal">;

/** A contract with its tasks, as they were at a moment: what has happened since is told as the change from that. */
export class ContractStory {
  readonly #style: Style;
  readonly #tasks: Map<string, Task>;
  #contract: ContractState;

  constructor(contract: Contract, tasks: readonly Task[], style: Style) {
    this.#contract = contract;
    this.#tasks = new Map(tasks.map((task) => [task.id, task]));
    this.#style = style;
  }

  get contract(): ContractState {
    return this.#contract;
  }

  /** Whether a change is one of this contract. */
  concerns({ kind, id, data }: Change): boolean {
    return kind === "contract" ? id === this.#contract.id : data["contractId"] === this.#contract.id;
  }

  /** The lines that tell a change; none for what is no news. The feed carries things as the API shows them. */
  apply({ kind, data }: Change): string[] {
    switch (kind) {
      case "contract":
        return this.#contractLines(data as ContractState);
      case "task":
        return this.#taskLines(data as Task);
      case "question":
        return this.#questionLines(data as Question);
      case "report":
        return this.#reportLines(data as Report);
      case "file":
        return [fileLine(data as ContractFile)];
      case "operation":
        return operationLines(data as Operation, this.#style);
      case "run":
      case "daemon":
      case "notification":
        return [];
    }
  }

  #contractLines(now: ContractState): string[] {
    const before = this.#contract;
    if (now.version <= before.version) return [];
    this.#contract = now;
    return [
      ...(now.phase === before.phase ? [] : [this.#style("bold", `Phase ${before.phase} → ${now.phase}`)]),
      ...now.goals
        .filter(({ done }, index) => done && before.goals[index]?.done !== true)
        .map(({ text }) => this.#style("green", `Goal met: ${inline(text)}`)),
      ...(now.status === before.status ? [] : [this.#style("bold", `The contract is ${now.status}`)]),
    ];
  }

  #taskLines(now: Task): string[] {
    const before = this.#tasks.get(now.id);
    if (before !== undefined && now.version <= before.version) return [];
    this.#tasks.set(now.id, now);
    const name = `${inline(now.name)} (${shortId(now.id)})`;
    return [
      ...(before === undefined ? [`${name}: spawned`] : []),
      ...(now.status === (before?.status ?? "pending") || now.status === "starting"
        ? []
        : [`${name}: ${stateOf(now)}`]),
      ...(now.merge === (before?.merge ?? null) || now.merge === null ? [] : [`${name}: ${MERGES[now.merge]}`]),
    ];
  }

  #questionLines({ id, taskId, text, status, answer }: Question): string[] {
    const asker = this.#nameOf(taskId);
    if (status === "withdrawn") return [`${asker} does not ask any more: ${inline(text)}`];
    if (status === "answered") return [`Answered to ${asker}: ${inline(answer ?? "")}`];
    const lines = reportLines(`${asker} asks`, text, this.#style);
    return [...lines, `  makima question answer ${shortId(id)} TEXT`];
  }

  #reportLines({ taskId, text }: Report): string[] {
    return reportLines(taskId === null ? "Report" : `Report of ${this.#nameOf(taskId)}`, text, this.#style);
  }

  #nameOf(taskId: string): string {
    return inline(this.#tasks.get(taskId)?.name ?? shortId(taskId));
  }
}

function stateOf({ status, reason }: Task): string {
  return reason === null || status === "completed" ? status : `${status}: ${inline(reason)}`;
}

const MERGES = {
  queued: "is to be merged",
  merged: "is merged",
  conflict: "cannot be merged: a conflict",
  failed: "cannot be merged: a check fails on the merged tree",
} as const;

function fileLine({ name, version, phase }: ContractFile): string {
  return `File ${inline(name)}: version ${version} (${phase})`;
}

/** Those that change something; what only looks is no news. */
const TOLD: Partial<Record<OperationKind, string>> = {
  MergeBranch: "A merge",
  CreatePullRequest: "A pull request",
  CreateBranch: "A branch",
  CreateCheckpoint: "A checkpoint",
  RestoreCheckpoint: "Going back to a checkpoint",
};

function operationLines({ kind, status, error }: Operation, style: Style): string[] {
  const what = TOLD[kind];
  if (what === undefined || status !== "failed") return [];
  return [style("red", `${what} failed: ${inline(error?.message ?? "")}`)];
}
