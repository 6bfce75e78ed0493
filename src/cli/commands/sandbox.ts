import { resolve } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { createGit } from "../../platform/git/git.ts";
import { inspectRepository } from "../../platform/git/repository.ts";
import { choice, defineCommand, text } from "../command.ts";
import { readConfig } from "../connect.ts";
import { count } from "../format.ts";
import { runSandboxed } from "../local/sandbox.ts";

const NETWORKS = ["host", "none"] as const;
const options = {
  repo: text("--repo <dir>", "Repository to clone (default: the one of this directory)"),
  network: choice("--network <kind>", "The host's network, or none (default: as configured, else host)", NETWORKS),
  config: text("--config <file>", "Configuration file to read"),
};

export const sandboxCommand = defineCommand({
  details:
    "The command runs as a task's checks do, in a throw-away clone of what is committed at HEAD: it can write there and in " +
    "/tmp, and all of that is gone when it ends. Ctrl-C is passed on to it, and its output and exit code to you (127: not " +
    "found, 128 + n: ended by signal n), also with --json, which is about makima's own errors only. No server is needed.",
  arguments: [{ name: "command", description: "Program and its arguments, after --", required: true, variadic: true }],
  options,
  examples: [
    ["makima sandbox -- npm test", "See whether the tests pass in a sandbox"],
    ["makima sandbox -- bash", "Look around in one"],
    ["makima sandbox --network none -- cargo build --offline", "Build without a network"],
  ],
  async run(context, { arguments: words, options: { repo, network, config } }) {
    const argv = words.filter((word) => word !== undefined);
    if (argv[0] === "") throw new MakimaError("usage", "The command is empty", { hint: "Name a program after --." });
    const loaded = await readConfig(context, { config });
    const repository = await inspectRepository(createGit(context.env), resolve(context.cwd, repo ?? "."));
    if (repository.dirtyFiles > 0) {
      context.output.warning(`Not in the clone: what is not committed in ${count(repository.dirtyFiles, "file")}`);
    }
    return runSandboxed(context, argv, { loaded, repository, network });
  },
});
