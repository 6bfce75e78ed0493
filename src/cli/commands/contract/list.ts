import { shortId } from "../../../core/ids.ts";
import type { Contract } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { brief, elapsed, money, table } from "../../format.ts";
import { allOf } from "../../pages.ts";

export const contractListCommand = defineCommand({
  arguments: [],
  options: CONNECTION_OPTIONS,
  examples: [["makima contract list", "Every contract, the newest first"]],
  async run(context, { options }) {
    const { output } = context;
    const { call } = await connect(context, options);
    const contracts = await allOf(
      (query) => call("listContracts", query),
      (page) => page.contracts,
    );
    output.document({ contracts });
    if (contracts.length === 0) output.line("There are no contracts yet.");
    else for (const line of contractTable(contracts, Date.now())) output.line(line);
    return 0;
  },
});

const MAX_NAME = 80;

function contractTable(contracts: Contract[], now: number): string[] {
  const rows = contracts.map(({ id, status, type, phase, costUsd, createdAt, name }) => [
    shortId(id),
    status,
    type,
    phase,
    money(costUsd),
    elapsed(Math.max(0, now - createdAt)),
    brief(name, MAX_NAME),
  ]);
  return table([["CONTRACT", "STATUS", "TYPE", "PHASE", "COST", "AGE", "NAME"], ...rows]);
}
