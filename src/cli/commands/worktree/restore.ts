import { CONNECTION_OPTIONS, defineCommand, idOf, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline, shellWord } from "../../format.ts";
import { runOperation } from "../../operations.ts";
import { chooseDaemons, DAEMON_OPTION } from "../../worktree/daemons.ts";
import { findSalvaged } from "../../worktree/salvaged.ts";

export const worktreeRestoreCommand = defineCommand({
  details:
    "Makes a branch of work that was in no branch when its worktree was removed, in the repository that the task worked " +
    "in. Nothing is checked out, and what was salvaged stays where it is.",
  arguments: [
    {
      name: "what",
      description:
        "Id of the task, or its unambiguous beginning or end; or the ref, see `makima worktree list --salvaged`",
      required: true,
    },
  ],
  options: {
    branch: text("--branch <name>", "Name of the new branch: small letters, digits and ._/- (default: after the task)"),
    ...DAEMON_OPTION,
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima worktree restore 3f2a91bc", "Bring back what a task had not committed"],
    ["makima worktree restore 3f2a91bc --branch rescued", "As a branch of that name"],
  ],
  async run(context, { arguments: [given], options: { branch, daemon: named, ...options } }) {
    const { output } = context;
    const what = idOf(given, "task", "makima worktree list --salvaged");
    const connection = await connect(context, options);
    const daemons = await chooseDaemons(connection, named);
    const { daemon, ref } = await findSalvaged({ connection, context }, daemons, what);
    const name = branch === null ? {} : { branch };
    const request = { kind: "RestoreWorktree", daemon: daemon.id, ref, ...name } as const;
    const restored = await runOperation(connection, context, request);
    output.document({ daemon: daemon.id, ...restored });
    const { repository, commit } = restored;
    output.line(
      `The branch ${inline(restored.branch)} is at ${commit.slice(0, 12)} in ${inline(repository)}. To see it:`,
    );
    output.line(`  git -C ${inline(shellWord(repository))} show --stat ${inline(shellWord(restored.branch))}`);
    return 0;
  },
});
