import type { RouteName } from "./routes.ts";

/** Routes whose reply shows one contract, task or file, the version of which is the reply's ETag. */
export const VERSIONED = {
  createContract: "contract",
  openContract: "contract",
  getContract: "contract",
  contractStatus: "contract",
  changeGoals: "contract",
  advancePhase: "contract",
  setCompletionAction: "contract",
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
  createFile: "file",
  getFile: "file",
  updateFile: "file",
} as const satisfies Partial<Record<RouteName, Versioned>>;

/** What has versions. */
export type Versioned = "contract" | "task" | "file";
