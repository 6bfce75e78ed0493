/** Environment variables that mean something to makima, besides `MAKIMA_<SECTION>_<KEY>` for every key. */
export const VARIABLES = {
  MAKIMA_HOME:
    "Directory in which makima keeps everything. Default: `makima` in `$XDG_DATA_HOME`, else in `~/.local/share`.",
  MAKIMA_CONFIG: "Configuration file. Default: `makima/config.toml` in `$XDG_CONFIG_HOME`, else in `~/.config`.",
  MAKIMA_API_URL: "Server to use instead of the local one. Agents get that of their task.",
  MAKIMA_API_KEY:
    "Key for that server. Agents get one that is good for their own contract, and for as long as their run.",
  MAKIMA_TASK_ID: "Task that commands are about where none is named. Set for agents and checks.",
  MAKIMA_CONTRACT_ID: "Contract that commands are about where none is named. Set for agents and checks.",
  MAKIMA_RUN_ID:
    "Run that a process belongs to: what still carries it when the run has ended is stopped. Set for agents and checks.",
  MAKIMA_PORT_BASE:
    "First of ten TCP ports that no other task on the machine is told to use. Set for agents and checks.",
  HOME: "The person's home directory: what `~` stands for, and where agents and git find their settings.",
  PATH: "Where agents, git and gh are looked for. Agents find `makima` first on theirs.",
  XDG_CACHE_HOME:
    "Base of caches. Set for sandboxed agents and checks, like the variables of package managers, to a place that they may write to.",
  XDG_CONFIG_HOME: "Base of the configuration directory.",
  XDG_DATA_HOME: "Base of the data directory.",
  NO_COLOR: "Set to anything: no colours.",
} as const satisfies Record<string, string>;

export function environmentReference(): string {
  const rows = Object.entries(VARIABLES).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  return ["| variable | meaning |", "|---|---|", ...rows, ""].join("\n");
}
