import { MakimaError } from "../../../core/errors.ts";
import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand, list } from "../../command.ts";
import { connect } from "../../connect.ts";
import { goalLines } from "../../contract/checklist.ts";

export const contractGoalsCommand = defineCommand({
  details: "Lists the goals with their numbers, after the changes that are asked for.",
  arguments: [CONTRACT_ARGUMENT],
  options: {
    add: list("--add <text>", "Put a goal on the list; repeatable"),
    done: list("--done <n>", "Number of a goal that is met; repeatable"),
    open: list("--open <n>", "Number of a goal that is not met after all; repeatable"),
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima contract goals", "Within a task: the goals of its contract"],
    ['makima contract goals --done 1 --done 3 --add "Old files can still be read"', "Two are met, and one is new"],
  ],
  async run(context, input) {
    const { output } = context;
    const { add } = input.options;
    const id = contractArgument(context, input);
    const done = numbersOf("--done", input.options.done);
    const open = numbersOf("--open", input.options.open);
    const { call } = await connect(context, input.options);
    const isChange = add.length + done.length + open.length > 0;
    const { contract } = isChange
      ? await call("changeGoals", { id, add, done, open })
      : await call("getContract", { id });
    const { goals } = contract;
    output.document({ goals });
    if (goals.length === 0) output.line("The contract has no goals on its list.");
    else for (const line of goalLines(goals, output.style)) output.line(line);
    return 0;
  },
});

function numbersOf(option: string, texts: readonly string[]): number[] {
  const wrong = texts.find((text) => !/^[1-9]\d{0,3}$/.test(text));
  if (wrong === undefined) return texts.map(Number);
  throw new MakimaError("usage", `${option} ${JSON.stringify(wrong)} is not understood`, {
    hint: "Give the number of a goal; `makima contract goals` shows them.",
  });
}
