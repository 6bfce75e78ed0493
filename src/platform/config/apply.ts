import { dirname } from "node:path";
import { agentProblems, mergeAgents } from "./agents.ts";
import type { Config } from "./config.ts";
import { configVariables, type ConfigVariable, readVariable } from "./overrides.ts";
import { type Environment, expandPath, type PathOrigin, userHome } from "./paths.ts";
import { type Problem, problemsOf, throwProblems, unknownName } from "./problems.ts";
import { ConfigFile, fieldName, sectionNames, SECTIONS, tablePaths } from "./schema.ts";
import { parseToml, tableAt, tableOf, type TomlDocument } from "./toml.ts";

type Path = readonly PropertyKey[];

export interface ConfigInputs {
  defaults: Config;
  env: Environment;
  /** Names of the variables in `env` that start like the name of a key. */
  overrides: readonly string[];
  file: { path: string; text: string } | null;
}

/** Lays file and environment over the defaults; throws `config_invalid` with every problem of both. */
export function applyConfig({ defaults, env, overrides, file }: ConfigInputs) {
  const document = file === null ? null : parseToml(file.text, file.path);
  const known = configVariables([...new Set(["claude", ...Object.keys(tableOf(document?.data.agents))])]);
  const used = known.filter(({ variable }) => overrides.includes(variable));
  const data = withOverrides(document?.data ?? {}, used, env);
  const parsed = ConfigFile.safeParse(data);
  const whereIs = placeFinder(used, document, file?.path ?? "");
  const issues = problemsOf(parsed.error?.issues ?? [], keysAt);
  throwProblems([...issues, ...agentProblems(tableOf(data.agents)), ...unknownVariables(overrides, known)], whereIs);
  const config = withAbsolutePaths(merge(defaults, parsed.data ?? {}), {
    base: file === null ? process.cwd() : dirname(file.path),
    userHome: userHome(env),
  });
  return { config, sources: new Map(keysIn(data).map((path) => [path.join("."), whereIs(path)])) };
}

/** A copy of the file's data in which each variable's value stands in the place of the key's. */
function withOverrides(data: object, used: readonly ConfigVariable[], env: Environment): Record<string, unknown> {
  const copy = structuredClone(data) as Record<string, unknown>;
  for (const { variable, path, schema } of used) {
    const key = path.at(-1) ?? "";
    let table = copy;
    for (const name of path.slice(0, -1)) {
      table[name] = tableOf(table[name]);
      table = table[name] as Record<string, unknown>;
    }
    table[key] = readVariable(env[variable] ?? "", schema);
  }
  return copy;
}

/** The variable or the line that a key, or the nearest thing around it, was set by. */
function placeFinder(used: readonly ConfigVariable[], document: TomlDocument | null, fileName: string) {
  const variables = new Map(used.map(({ variable, path }) => [path.join("."), variable]));
  return (path: Path) => {
    const names = path.map(String);
    const variable = names.map((_, index) => variables.get(names.slice(0, index + 1).join("."))).find(Boolean);
    if (variable !== undefined) return variable;
    return document === null || names[0]?.startsWith("MAKIMA_")
      ? "environment"
      : `${fileName}:${document.lineOf(path)}`;
  };
}

/** What may stand in the table at a path: keys, and names of the tables inside. */
function keysAt(path: Path): readonly string[] {
  if (path.length === 0) return Object.keys(ConfigFile.shape);
  if (path[0] === "agents") return path.length === 1 ? [] : Object.keys(SECTIONS.agents);
  const table = path.join(".");
  return sectionNames().flatMap((section) => {
    if (section === table) return Object.keys(SECTIONS[section]);
    return section.startsWith(`${table}.`) ? [section.slice(table.length + 1)] : [];
  });
}

function unknownVariables(overrides: readonly string[], known: readonly ConfigVariable[]): Problem[] {
  const names = known.map(({ variable }) => variable);
  return overrides
    .filter((name) => !names.includes(name))
    .map((name) => ({ path: [name], message: unknownName("variable", name, names) }));
}

function merge(defaults: Config, file: ConfigFile): Config {
  const merged: Config = { ...structuredClone(defaults), agents: mergeAgents(defaults.agents, file.agents ?? {}) };
  for (const section of sectionNames()) {
    // The agents are merged above; no other section has more tables than one.
    for (const path of tablePaths(section, [])) {
      const given = Object.entries(tableAt(file, path)).filter(([key]) => key in SECTIONS[section]);
      const fields = given.map(([key, value]) => [fieldName(section, key), value]);
      Object.assign(tableAt(merged, path), Object.fromEntries(fields));
    }
  }
  return merged;
}

/** The one place that knows which values are paths. A program with a slash in it is one; without, it is found in PATH. */
function withAbsolutePaths(config: Config, from: PathOrigin): Config {
  const absolute = (path: string) => expandPath(path, from);
  const { server, daemon, worktrees, notifications, agents } = config;
  const { bubblewrap } = config.process;
  server.tlsCert &&= absolute(server.tlsCert);
  server.tlsKey &&= absolute(server.tlsKey);
  for (const webhook of notifications.webhooks) webhook.secretFile = absolute(webhook.secretFile);
  daemon.apiKeyFile &&= absolute(daemon.apiKeyFile);
  daemon.repositories &&= daemon.repositories.map(absolute);
  worktrees.dir &&= absolute(worktrees.dir);
  for (const list of ["writable", "readonly", "hidden"] as const) bubblewrap[list] = bubblewrap[list].map(absolute);
  for (const agent of Object.values(agents)) {
    agent.command = agent.command.map((word, index) => (index === 0 && word.includes("/") ? absolute(word) : word));
  }
  return config;
}

/** Every key that is set. */
function keysIn(data: Record<string, unknown>): string[][] {
  return sectionNames().flatMap((section) =>
    tablePaths(section, Object.keys(tableOf(data["agents"]))).flatMap((path) => {
      const table = tableAt(data, path);
      return Object.keys(SECTIONS[section]).flatMap((key) => (key in table ? [[...path, key]] : []));
    }),
  );
}
