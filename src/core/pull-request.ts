import { shortId } from "./ids.ts";
import { oneLine } from "./notifications.ts";

/** What a pull request says whose author has said nothing. */
export interface PullRequestFacts {
  goal: string;
  /** Commands. */
  checks: readonly string[];
  /** Whose work it is. */
  tasks: readonly { id: string; name: string; status: string }[];
}

/** The text of a pull request, in Markdown: the goal, what was checked, and whose work it is. */
export function pullRequestBody({ goal, checks, tasks }: PullRequestFacts): string {
  const sections = [
    excerpt(goal),
    ...section("Checks", checks, (command) => `\`${oneLine(command, MAX_LINE).replaceAll("`", "'")}\``),
    ...section("Tasks", tasks, ({ id, name, status }) => `${oneLine(name, MAX_LINE)} (${shortId(id)}): ${status}`),
  ];
  return sections.join("\n\n");
}

/** UTF-16 units of one line, and of what is shown of the goal, which may be a whole specification. */
const MAX_LINE = 300;
const MAX_GOAL = 3_000;
/** Items of a section; the whole stays far below what GitHub takes. */
const MAX_ITEMS = 50;

function excerpt(goal: string): string {
  const text = goal.trim();
  return text.length <= MAX_GOAL ? text : `${text.slice(0, MAX_GOAL).toWellFormed()}…`;
}

function section<T>(title: string, items: readonly T[], show: (item: T) => string): string[] {
  if (items.length === 0) return [];
  const lines = items.slice(0, MAX_ITEMS).map((item) => `- ${show(item)}`);
  if (items.length > MAX_ITEMS) lines.push(`- and ${items.length - MAX_ITEMS} more`);
  return [`## ${title}`, lines.join("\n")];
}
