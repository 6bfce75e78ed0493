import type { Script, Step, Turn } from "../scripted-model/script.ts";
import { bash } from "../scripted-model/script.ts";
import { claim } from "./workshop.ts";

/**
 * A contract of three tasks, two of which greet in the same file. Each worker is known by the first line of its plan;
 * the last one resolves its conflict when it is told whose greeting is to be kept.
 */
export const PLANS = {
  alpha: "Write the greeting of alpha",
  beta: "Write the farewell",
  gamma: "Write the greeting of gamma",
};

/** What the checkout of the integration branch holds in the end. */
export const MERGED = { "README.md": "A greeter\n", "farewell.txt": "bye\n", "greeting.txt": "hello from alpha\n" };

const WORK: Readonly<Record<keyof typeof PLANS, string>> = {
  alpha: "printf 'hello from alpha\\n' >greeting.txt",
  beta: "printf 'bye\\n' >farewell.txt",
  gamma: "printf 'hello from gamma\\n' >greeting.txt",
};

/** In the checkout of a task: takes in what was merged so far, and keeps one greeting. */
const RESOLVE = [
  "git merge --quiet \"$(git for-each-ref --format='%(refname)' 'refs/heads/makima/*/integration-*')\" || true",
  "printf 'hello from alpha\\n' >greeting.txt",
  "git add --all && git commit --quiet --message 'Keep the greeting of alpha'",
].join("\n");

/** The workers' part of the script; everything else is `others`'. */
export function greeters(others: (turn: Turn) => Step[]): Script {
  const names = new Map<string, keyof typeof PLANS>();
  return (turn) => {
    const name = names.get(turn.session) ?? nameOf(turn.prompt);
    if (name === null) return others(turn);
    names.set(turn.session, name);
    if (turn.prompt.includes("keep the greeting of alpha")) return [bash(RESOLVE), claim("Kept the greeting of alpha")];
    return [bash(WORK[name]), claim(`Wrote the file of ${name}`)];
  };
}

function nameOf(prompt: string): keyof typeof PLANS | null {
  const entries = Object.entries(PLANS) as [keyof typeof PLANS, string][];
  return entries.find(([, plan]) => prompt.startsWith(plan))?.[0] ?? null;
}
