import type { Command } from "../command.ts";

/** Whose key a command in a contract needs at least: any task's, its supervisor's, or a person's. */
export type Audience = "agent" | "supervisor" | "person";

/** A command, or a noun with verbs; some nouns are commands as well (`makima daemon`, `makima daemon list`). */
export interface CatalogEntry {
  summary: string;
  /** Loaded when the command is used, so that each pays at its start for its own imports only. */
  load?: () => Promise<Command>;
  /** Of the commands that work in a contract, which MCP offers as tools; absent for all others. */
  audience?: Audience;
  verbs?: Catalog;
}

export type Catalog = Readonly<Record<string, CatalogEntry>>;
