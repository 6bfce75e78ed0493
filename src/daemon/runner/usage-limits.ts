import type { UsageLimit } from "../../core/usage-limit.ts";

/**
 * What any run of this daemon was told of a spent account. Runs of one agent share its login, so one refusal speaks for
 * all of them: the others wait as well, instead of each running into it.
 */
export class UsageLimits {
  readonly #byAgent = new Map<string, UsageLimit & { until: number }>();

  /** `until`: epoch ms at which the account can be used again. */
  note(agent: string, limit: UsageLimit & { until: number }): void {
    const known = this.#byAgent.get(agent);
    if (known === undefined || known.until < limit.until) this.#byAgent.set(agent, limit);
  }

  /** The limit that holds at `now`, or null. */
  at(agent: string, now: number): (UsageLimit & { until: number }) | null {
    const limit = this.#byAgent.get(agent);
    return limit === undefined || limit.until <= now ? null : limit;
  }
}
