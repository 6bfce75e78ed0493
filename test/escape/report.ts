import type { Tried } from "./probes.ts";

/** What one user's stage found out. */
export interface Report {
  /** One for each case of SUITE and WITHOUT_NETWORK, class by class. */
  outcomes: Outcome[];
  /** One for each of TRAPS. */
  traps: TrapOutcome[];
  /** What of the world is not as it was, though nothing may change it. */
  changed: string[];
  /** Command lines of processes that were left behind. */
  leftBehind: string[];
  /** Whether the process that everything was aimed at still runs. */
  victimIsWell: boolean;
}

export interface TrapOutcome {
  name: string;
  /** Whether its program ran outside of a sandbox, by makima's git or the person's. */
  sprung: boolean;
  /** Whether it does so in a checkout that nothing protects; null where that was not tried. */
  springsUnprotected: boolean | null;
}

export interface Outcome {
  name: string;
  inside: Tried;
  /** Without a sandbox; null where that was not tried. */
  outside: Tried | null;
}
