import { MakimaError } from "../../../core/errors.ts";
import type { OperationResult } from "../../../protocol/operations.ts";
import { CONNECTION_OPTIONS, defineCommand, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { brief, elapsed, inline, table } from "../../format.ts";
import { runOperation } from "../../operations.ts";
import type { RequestOf } from "../../operations.ts";
import { CONTRACT_OPTION, contractOf } from "../../supervisor/contract-option.ts";

export const supervisorBranchCommand = defineCommand({
  details:
    "Works in the contract's repository; nothing is checked out, and no branch is moved. An agent keeps to branches whose " +
    "names begin as those of its contract.",
  arguments: [
    { name: "action", description: "create, or list", required: true },
    { name: "name", description: "Name of the new branch: small letters, digits and ._/-", required: false },
  ],
  options: {
    from: text("--from <ref>", "Where it begins: a branch, tag or commit (default: the integration branch)"),
    ...CONTRACT_OPTION,
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima supervisor branch list", "The branches of the contract and its tasks"],
    ["makima supervisor branch create release/weeks --from main", "A branch to merge into"],
  ],
  async run(context, { arguments: [action, name], options }) {
    const { output } = context;
    const contract = contractOf(context, options);
    const request = requestOf(action, name, { contract, from: options.from });
    const connection = await connect(context, options);
    if (request.kind === "CreateBranch") {
      const branch = await runOperation(connection, context, request);
      output.document({ branch });
      output.line(`Created ${inline(branch.name)} at ${branch.commit.slice(0, 12)}.`);
    } else {
      const { branches } = await runOperation(connection, context, request);
      output.document({ branches });
      if (branches.length === 0) output.line("The contract has no branches yet.");
      else for (const line of branchTable(branches, Date.now())) output.line(line);
    }
    return 0;
  },
});

/** Throws `usage` for what is neither of the two. */
function requestOf(
  action: string | undefined,
  name: string | undefined,
  { contract, from }: { contract: string; from: string | null },
): RequestOf<"CreateBranch"> | RequestOf<"ListBranches"> {
  if (action === "list" && name === undefined && from === null) return { kind: "ListBranches", contract };
  if (action === "create" && name !== undefined) {
    return { kind: "CreateBranch", contract, name, ...(from === null ? {} : { from }) };
  }
  const hints: Readonly<Record<string, string>> = {
    list: "`makima supervisor branch list` takes neither a name nor --from.",
    create: "Name it: makima supervisor branch create NAME [--from REF]",
  };
  const hint = hints[action ?? ""] ?? "Write `branch list` or `branch create NAME`.";
  throw new MakimaError("usage", `"branch ${[action, name].join(" ").trim()}" is not understood`, { hint });
}

const MAX_SUBJECT = 60;

function branchTable(branches: OperationResult<"ListBranches">["branches"], now: number): string[] {
  const rows = branches.map(({ name, commit, subject, at }) => [
    commit.slice(0, 12),
    elapsed(Math.max(0, now - at)),
    inline(name),
    brief(subject, MAX_SUBJECT),
  ]);
  return table([["COMMIT", "AGE", "BRANCH", "SUBJECT"], ...rows]);
}
