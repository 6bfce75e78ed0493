import type { Task } from "../../protocol/api.ts";

/** A task at work, but for what a test says of it. */
export function makeTask(id: string, fields: Partial<Task> = {}): Task {
  return {
    id,
    contractId: "c1",
    name: `Task ${id}`,
    role: "worker",
    parentId: null,
    status: "running",
    unreachable: false,
    reason: null,
    agent: "claude",
    repository: "/r",
    branch: "makima/a/b-1",
    base: "91c079d6320314bb9db4f6686cb2053219cce547",
    merge: null,
    after: [],
    labels: {},
    head: null,
    runId: null,
    daemonId: null,
    iterations: 0,
    costUsd: 0,
    waitUntil: null,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
    ...fields,
  };
}
