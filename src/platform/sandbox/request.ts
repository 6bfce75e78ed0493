/** What a sandbox is to be; all paths absolute, as people write them: `prepareSandbox` resolves them. */
export interface SandboxRequest {
  /** Where the program works, read-write. */
  dir: string;
  /** Further paths that can be written; one that is missing is an error. */
  writable: readonly string[];
  /** Read-only in spite of lying where the sandbox has fresh directories (such as a home below /tmp). */
  exposed: readonly string[];
  /** Empty and closed in the sandbox: directories and files. */
  hidden: readonly string[];
  /** Directories that are empty at first and can be written, and of which nothing stays. */
  scratch: readonly string[];
  readonly: readonly string[];
  /** Read-only, at a place below `dir` that belongs to something else. */
  overlays: readonly Overlay[];
  /** Size of each fresh directory that can be written (bytes). */
  tmpBytes: number;
  network: "host" | "none";
  /** Further options for bwrap, in its own words: see `requireExtraArguments`. */
  extraArgs: readonly string[];
}

/** Nothing beyond the root file system: what a request adds to. */
export const PLAIN: Omit<SandboxRequest, "dir"> = {
  writable: [],
  exposed: [],
  hidden: [],
  scratch: [],
  readonly: [],
  overlays: [],
  tmpBytes: 1024 * 1024,
  network: "host",
  extraArgs: [],
};

export interface Overlay {
  from: string;
  at: string;
}

/** A request whose paths are real: absolute, without symbolic links, there. */
export interface SandboxPlan extends Omit<SandboxRequest, "hidden"> {
  hidden: readonly { path: string; directory: boolean }[];
  /** The file that /etc/resolv.conf is; null when there is none. */
  nameServers: string | null;
}
