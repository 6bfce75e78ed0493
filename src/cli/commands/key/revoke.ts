import { CONNECTION_OPTIONS, defineCommand, idArgument, idOf } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";

export const keyRevokeCommand = defineCommand({
  details: "Who uses it is refused from now on, and its connections are closed. There is no way back.",
  arguments: [idArgument("key")],
  options: CONNECTION_OPTIONS,
  examples: [["makima key revoke 9c41d07e", "The laptop with this key was lost"]],
  async run(context, input) {
    const id = idOf(input.arguments[0], "key", "makima key list");
    const { call } = await connect(context, input.options);
    const { key } = await call("revokeKey", { id });
    context.output.line(
      `Revoked the ${key.kind} key ${inline(key.id)}${key.name === null ? "" : ` of ${inline(key.name)}`}.`,
    );
    context.output.document({ key });
    return 0;
  },
});
