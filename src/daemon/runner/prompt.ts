import { withMessages, workerInstructions } from "../../core/prompts.ts";
import type { PromptGoal, Told } from "../../core/prompts.ts";
import { supervisorGoal, supervisorInstructions } from "../../core/supervisor-prompt.ts";
import type { RunSpec } from "../../protocol/run-spec.ts";
import type { KeptMessage } from "../journal/wishes.ts";
import type { RunContext } from "./context.ts";

/** What holds in every iteration of a run. */
export function systemPrompt({ supervision }: RunSpec): string {
  return supervision === null ? workerInstructions() : supervisorInstructions(supervision);
}

/** What a run is to reach, as its agent is told it. */
export function goalOf({ spec, state }: RunContext): PromptGoal {
  const { goal, supervision } = spec;
  return {
    goal: supervision === null ? goal : supervisorGoal(goal, supervision),
    checks: state.checkout?.checks.map(({ command }) => command) ?? [],
  };
}

/** What the agent of an iteration is told: the prompt that is kept for it, then the messages that are part of it. */
export async function promptOf(run: RunContext, index: number): Promise<string> {
  const messages = run.state.heard.filter((message) => message.index === index);
  return withMessages(await run.directory.readPrompt(index), await told(run, messages));
}

/** What people have said in all iterations so far. */
export async function saidSoFar(run: RunContext): Promise<readonly string[]> {
  return (await told(run, run.state.heard)).said;
}

/** The texts of messages. */
export async function told({ wishes }: RunContext, messages: readonly KeptMessage[]): Promise<Told> {
  const texts = await Promise.all(messages.map(async ({ id, kind }) => ({ kind, text: await wishes.text(id) })));
  const people = texts.filter(({ kind }) => kind === "person");
  const others = texts.filter(({ kind }) => kind !== "person");
  return { said: people.map(({ text }) => text), happened: others.map(({ text }) => text) };
}
