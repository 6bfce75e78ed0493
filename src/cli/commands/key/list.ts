import type { Key } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, defineCommand, flag } from "../../command.ts";
import { connect } from "../../connect.ts";
import { clockTime, inline, table } from "../../format.ts";
import { allOf } from "../../pages.ts";

export const keyListCommand = defineCommand({
  details: "Shows no secret: only a hash of each key is kept.",
  arguments: [],
  options: { all: flag("-a, --all", "Also revoked ones, and those of tasks"), ...CONNECTION_OPTIONS },
  examples: [["makima key list", "Who may use this server"]],
  async run(context, { options }) {
    const { output } = context;
    const { call } = await connect(context, options);
    const keys = await allOf(
      (query) => call("listKeys", { all: options.all ? "true" : "false", ...query }),
      (page) => page.keys,
    );
    output.document({ keys });
    if (keys.length === 0) output.line("There are no keys.");
    else for (const line of keyTable(keys, Date.now())) output.line(line);
    return 0;
  },
});

function keyTable(keys: Key[], now: number): string[] {
  const rows = keys.map((key) => [
    inline(key.id),
    key.kind,
    stateOf(key, now),
    clockTime(key.createdAt, now),
    inline(key.name ?? ""),
  ]);
  return table([["KEY", "KIND", "STATE", "CREATED", "NAME"], ...rows]);
}

function stateOf({ revokedAt, expiresAt }: Key, now: number): string {
  if (revokedAt !== null) return `revoked ${clockTime(revokedAt, now)}`;
  if (expiresAt === null) return "valid";
  return `${expiresAt > now ? "valid until" : "expired"} ${clockTime(expiresAt, now)}`;
}
