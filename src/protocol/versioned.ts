import type { RouteName } from "./routes.ts";

/** Routes whose reply shows one contract or task, the version of which is the reply's ETag. */
export const VERSIONED = {
  createContract: "contract",
  getContract: "contract",
  updateContract: "contract",
  pauseContract: "contract",
  resumeContract: "contract",
  completeContract: "contract",
  deleteContract: "contract",
  createTask: "task",
  getTask: "task",
  updateTask: "task",
  stopTask: "task",
  pauseTask: "task",
  resumeTask: "task",
  messageTask: "task",
} as const satisfies Partial<Record<RouteName, "contract" | "task">>;
