import { withMessages } from "../../core/prompts.ts";
import type { RunContext } from "./context.ts";

/** What the agent of an iteration is told: the prompt that is kept for it, then what people say in it. */
export async function promptOf(run: RunContext, index: number): Promise<string> {
  const messages = run.state.heard.filter((message) => message.index === index).map(({ id }) => id);
  return withMessages(await run.directory.readPrompt(index), await textsOf(run, messages));
}

/** What people have said in all iterations so far. */
export async function saidSoFar(run: RunContext): Promise<string[]> {
  return textsOf(
    run,
    run.state.heard.map(({ id }) => id),
  );
}

export async function textsOf({ wishes }: RunContext, ids: readonly string[]): Promise<string[]> {
  return Promise.all(ids.map((id) => wishes.text(id)));
}
