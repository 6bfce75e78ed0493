import { shortId } from "../../core/ids.ts";
import type { Contract, Task } from "../../protocol/api.ts";
import type { Context } from "../context.ts";
import { taskDocument } from "./document.ts";

/** Says of a task that goes on by itself how to come back to it; gives the exit code. */
export function leaveAlone({ output }: Context, contract: Contract, task: Task, how = "is on its way"): number {
  output.line(`Task ${task.id} ${how}.`);
  output.line(`  makima logs -f ${shortId(task.id)}`);
  output.line(`  makima stop ${shortId(task.id)}`);
  output.document(taskDocument(contract, task, true));
  return 0;
}
