import type { Trouble } from "../../client/subscriber.ts";
import { isLive, TASK } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import { clockTime, count, inline } from "../format.ts";
import type { Story } from "../output.ts";
import { taskTable } from "../tasks/table.ts";

export interface FrameOptions {
  tasks: readonly Task[];
  trouble: Trouble | null;
  /** Epoch ms. */
  now: number;
  /** Lines that there is room for. */
  rows: number;
  style: Story["style"];
}

/** What a terminal shows of the tasks at one moment, at most `rows` lines of any width. */
export function frameLines({ tasks, trouble, now, rows, style }: FrameOptions): string[] {
  const live = tasks.filter(({ status }) => isLive(TASK, status)).length;
  const title = `${count(live, "live task")} at ${clockTime(now, now)}${style("dim", "  (q quits)")}`;
  const banner = trouble === null ? [] : [style(["bold", "red"], bannerText(trouble, now))];
  const [head = "", ...lines] = tasks.length === 0 ? ["No task is at work."] : taskTable(tasks, now);
  const above = [title, ...banner, "", style("bold", head)];
  const room = Math.max(0, rows - above.length);
  if (lines.length <= room) return [...above, ...lines].slice(0, rows);
  const shown = Math.max(0, room - 1);
  return [...above, ...lines.slice(0, shown), style("dim", `and ${lines.length - shown} more`)].slice(0, rows);
}

function bannerText({ since, problem }: Trouble, now: number): string {
  return `${inline(problem)} (since ${clockTime(since, now)}); what stands here may be old`;
}
