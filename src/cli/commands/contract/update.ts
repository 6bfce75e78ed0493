import { MakimaError } from "../../../core/errors.ts";
import {
  CONNECTION_OPTIONS,
  CONTRACT_ARGUMENT,
  contractArgument,
  defineCommand,
  dollars,
  integer,
  text,
} from "../../command.ts";
import type { OptionSpec } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline, money } from "../../format.ts";

const options = {
  name: text("--name <name>", "Its new name"),
  budget: orNone(dollars("--budget <usd|none>", "Pause it when all of its tasks together have cost this much")),
  maxParallel: orNone(integer("--max-parallel <n|none>", "Most of its tasks at work at the same time", 1, 10_000)),
  ...CONNECTION_OPTIONS,
};

export const contractUpdateCommand = defineCommand({
  details: "A contract that was paused because its budget was spent goes on with `makima contract resume`.",
  arguments: [CONTRACT_ARGUMENT],
  options,
  examples: [
    ['makima contract update 3f2a91bc --name "Mend the parser"', "Give it a better name"],
    ["makima contract update 3f2a91bc --budget 50 --max-parallel none", "Let it cost more, and work on all at once"],
  ],
  async run(context, input) {
    const id = contractArgument(context, input);
    const { name, budget, maxParallel } = input.options;
    if (name === null && budget === null && maxParallel === null) {
      throw new MakimaError("usage", "Nothing to change is given", {
        hint: "Give --name, --budget or --max-parallel.",
      });
    }
    const { call } = await connect(context, input.options);
    const { contract } = await call("updateContract", {
      id,
      ...(name === null ? {} : { name }),
      ...(budget === null ? {} : { budgetUsd: amountOf(budget) }),
      ...(maxParallel === null ? {} : { maxParallel: amountOf(maxParallel) }),
    });
    const limits = [
      contract.budgetUsd === null ? "no budget" : `a budget of ${money(contract.budgetUsd)}`,
      contract.maxParallel === null ? "all of its tasks at once" : `at most ${contract.maxParallel} tasks at once`,
    ];
    context.output.line(`${inline(contract.name)} (${contract.id}) has ${limits.join(", and ")}.`);
    context.output.document({ contract });
    return 0;
  },
});

/** A limit that can also be taken away. null: it is not given. */
function orNone(limit: OptionSpec<number | null>): OptionSpec<number | "none" | null> {
  return {
    ...limit,
    schema: { type: "string" },
    parse: (value) => (value === "none" ? "none" : (limit.parse?.(value, null) ?? null)),
  };
}

function amountOf(limit: number | "none"): number | null {
  return limit === "none" ? null : limit;
}
