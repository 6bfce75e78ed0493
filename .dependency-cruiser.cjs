"use strict";

/**
 * The layers: which folder may import which. An arrow that is not here is an error.
 *
 *   core <- protocol <- client <- {cli, daemon}      core, protocol, platform <- {server, daemon}      platform <- cli
 */
const LAYERS = {
  core: { may: [], reason: "The domain is pure: it must run, and be tested, without Node, a clock or a disk." },
  protocol: {
    may: ["core"],
    reason: "What crosses a wire is read by browsers too: schemas and the domain, nothing else.",
  },
  client: {
    may: ["core", "protocol"],
    reason: "The client runs in browsers; it gets sockets and keys from its caller.",
  },
  platform: {
    may: ["core"],
    reason: "Node helpers know the domain's errors and texts, and nothing of tasks or servers.",
  },
  server: { may: ["core", "protocol", "platform"], reason: "Server and daemon meet on the wire only." },
  daemon: { may: ["core", "protocol", "client", "platform"], reason: "Daemon and server meet on the wire only." },
  cli: {
    may: ["core", "protocol", "client", "platform"],
    reason: "Commands talk to the API; only the composition roots load server and daemon, see cli-composes-*.",
  },
};

/** What the commands `up`, `server`, `daemon` and `sandbox` run in their own process. */
const COMPOSITION_ROOTS = ["^src/cli/local/(serve|work|database|sandbox)\\.ts$"];

const TEST = "\\.test\\.ts$";
const NODE = "^(node:)?";

const layerRules = Object.entries(LAYERS).map(([layer, { may, reason }]) => ({
  name: `layer-${layer}`,
  severity: "error",
  comment: reason,
  from: { path: `^src/${layer}/`, pathNot: TEST },
  // The composition roots' rules say more about cli -> server and daemon.
  to: {
    path: "^src/",
    pathNot: [layer, ...may, ...(layer === "cli" ? ["server", "daemon"] : [])].map((to) => `^src/${to}/`),
  },
}));

/** Only `from` may import `module`: everything else under src is refused. */
function only(name, module, from, comment) {
  return {
    name,
    severity: "error",
    comment,
    from: { path: "^src/", pathNot: [TEST, ...from] },
    to: { path: module },
  };
}

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: "cli-composes-in-roots",
      severity: "error",
      comment:
        "Only what the commands up, server, daemon and sandbox start takes from server and daemon; the rest uses the API.",
      from: { path: "^src/cli/", pathNot: [TEST, ...COMPOSITION_ROOTS] },
      to: { path: "^src/(server|daemon)/" },
    },
    {
      name: "cli-composes-lazily",
      severity: "error",
      comment: "A static import would load the whole server for every small command; import() it.",
      from: { path: "^src/cli/", pathNot: TEST },
      to: { path: "^src/(server|daemon)/", dependencyTypesNot: ["dynamic-import", "type-only"] },
    },
    {
      name: "core-is-pure",
      severity: "error",
      comment: LAYERS.core.reason,
      from: { path: "^src/core/", pathNot: TEST },
      to: { dependencyTypes: ["core", "npm", "npm-dev", "npm-peer", "npm-optional", "npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "protocol-needs-only-zod",
      severity: "error",
      comment: LAYERS.protocol.reason,
      from: { path: "^src/protocol/", pathNot: TEST },
      to: { path: `${NODE}.`, pathNot: ["^src/", "^node_modules/zod/"] },
    },
    {
      name: "client-runs-in-browsers",
      severity: "error",
      comment: LAYERS.client.reason,
      from: { path: "^src/client/", pathNot: TEST },
      // Types of its callers' libraries are nothing at run time.
      to: { pathNot: ["^src/"], dependencyTypesNot: ["type-only"] },
    },
    only(
      "processes-have-one-home",
      `${NODE}(child_process|cluster)$`,
      ["^src/platform/process/"],
      "Every process is started where groups, signals and leaks are taken care of: src/platform/process.",
    ),
    only(
      "databases-have-one-home",
      `${NODE}(sqlite|pg)$|^node_modules/(pg|better-sqlite3)/`,
      ["^src/server/db/", "^src/platform/lock\\.ts$"],
      "Drivers stay in src/server/db, so that every store works on every engine; the lock is SQLite's by design.",
    ),
    {
      name: "no-cycles",
      severity: "error",
      comment: "Modules that need each other are one module, or hide a third.",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-test-code-in-src",
      severity: "error",
      comment: "What is shipped must not lean on tests, scripts or benchmarks.",
      from: { path: "^src/", pathNot: TEST },
      to: { path: `^(test|scripts|bench)/|${TEST}` },
    },
    {
      name: "no-undeclared-packages",
      severity: "error",
      comment: "What is shipped needs nothing but package.json's dependencies.",
      from: { path: "^src/", pathNot: TEST },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "no-unresolved",
      severity: "error",
      comment: "An import must resolve.",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
