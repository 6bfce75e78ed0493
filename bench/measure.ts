/** One measured figure beside the limit or peer that was measured in the same run. */
export interface Figure {
  what: string;
  measured: string;
  peer: string;
  /** measured / peer, in the direction in which the target is stated. */
  ratio: number | null;
  target: string;
  met: boolean;
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
  return `| ${what} | ${measured} | ${peer} | ${ratio === null ? "" : ratio.toFixed(2)} | ${target} | ${met ? "yes" : "**no**"} |`;
}
