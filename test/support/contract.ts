import type { Contract, ContractStatus, Notification, Question, Task } from "../../src/protocol/api.ts";
import type { Machine } from "./machine.ts";
import { until } from "./until.ts";

/** What a test wants to know of the machine's server, read through its API. */

/** The only contract that there is. */
export async function theContract(machine: Machine): Promise<Contract> {
  return until(async () => {
    const reply = (await machine.get("/api/v1/contracts")) as { contracts: Contract[] } | null;
    return reply?.contracts[0];
  }, "there is a contract");
}

/** Every task of it by its name. */
export async function tasksByName(machine: Machine): Promise<Map<string, Task>> {
  const { tasks } = (await machine.get("/api/v1/tasks")) as { tasks: Task[] };
  return new Map(tasks.map((task) => [task.name, task]));
}

export async function statusOf(machine: Machine, contract: string): Promise<ContractStatus> {
  return (await machine.get(`/api/v1/contracts/${contract}/status`)) as ContractStatus;
}

/** A supervisor may have much to do before it asks (ms). */
const ASKED_WITHIN = 110_000;

/** The question that waits for an answer, as soon as there is one. */
export async function openQuestion(machine: Machine): Promise<Question> {
  return until(
    async () => {
      const reply = (await machine.get("/api/v1/questions?open=true")) as { questions: Question[] } | null;
      return reply?.questions[0];
    },
    "a question is asked",
    ASKED_WITHIN,
  );
}

/** Kinds of all notifications with what their title says of them, oldest first. */
export async function notificationTitles(machine: Machine): Promise<string[]> {
  const { notifications } = (await machine.get("/api/v1/notifications")) as { notifications: Notification[] };
  return notifications.toReversed().map(({ kind, title }) => `${kind} | ${title}`);
}
