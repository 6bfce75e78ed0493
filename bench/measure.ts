/** One measured figure beside the limit or peer that was measured in the same run. */
export interface Figure {
  what: string;
  measured: string;
  peer: string;
  /** measured / peer, in the direction in which the target is stated. */
  ratio: number | null;
  target: string;
  /** Null where there is no target. */
  met: boolean | null;
}

/** Median of `values`. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The value below which a share of `values` lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Medians of the times (ms) of several works that take turns, so that what else the machine does meets all alike. */
export async function medianTimes(rounds: number, works: readonly (() => unknown)[]): Promise<number[]> {
  const times = works.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, work] of works.entries()) times[index]?.push(await timed(work));
  }
  return times.map(median);
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Median milliseconds of several runs after one that does not count. */
export async function medianTime(runs: number, work: () => unknown): Promise<number> {
  await work();
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) times.push(await timed(work));
  return median(times);
}

/** A figure as a row of a Markdown table. */
export function row({ what, measured, peer, ratio, target, met }: Figure): string {
  const verdict = met === null ? "" : met ? "yes" : "**no**";
  return `| ${what} | ${measured} | ${peer} | ${ratio === null ? "" : ratio.toFixed(2)} | ${target} | ${verdict} |`;
}
