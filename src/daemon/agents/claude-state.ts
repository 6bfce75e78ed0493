import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { AgentState, Environment } from "./agent.ts";

/**
 * What Claude Code keeps in its configuration directory, seen with version 2.1: everything else there it reads, and does
 * without being able to write.
 */
export function claudeState(cwd: string, env: Environment): AgentState {
  const configuration = resolve(cwd, env["CLAUDE_CONFIG_DIR"] ?? join(env["HOME"] ?? homedir(), ".claude"));
  const projects = join(configuration, "projects");
  return {
    readable: [configuration],
    // Conversations about other work, and what a person has typed.
    hidden: [projects, join(configuration, "history.jsonl")],
    writable: [join(projects, projectName(cwd))],
    scratch: OWN.map((name) => join(configuration, name)),
  };
}

/**
 * Without `session-env` no command of its Bash tool runs, without `tasks` its task list, without `plans` its plan mode; and
 * without `shell-snapshots` the person's aliases are not there. They are empty in each process: the files in there are
 * sourced by the shells of other sessions, which an agent is not to write for.
 */
const OWN = ["session-env", "shell-snapshots", "tasks", "plans"];

const LONGEST_NAME = 200;

/** The directory of a working directory's conversations, as Claude Code names it. */
function projectName(cwd: string): string {
  const name = cwd.replaceAll(/[^a-zA-Z0-9]/g, "-");
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME)}-${hashOf(cwd)}`;
}

function hashOf(text: string): string {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return Math.abs(hash).toString(36);
}
