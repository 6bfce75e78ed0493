import { GateScanner, parseLast } from "../src/core/completion-gate.ts";
import { medianTime } from "./measure.ts";
import type { Figure } from "./measure.ts";

const MEGABYTE = 1e6;
const RUNS = 7;
/** Size of one chunk as the output parser hands it on (bytes). */
const CHUNK = 64 * 1024;

/** Gate parser: text without a gate against a bare `indexOf` over it, and 10 MB of hostile tags. */
export async function gateFigures(): Promise<Figure[]> {
  const line = "The agent goes on about what it has done, in <b>tags</b> & prose, and says nothing that ends a run.\n";
  const text = line.repeat(Math.ceil((50 * MEGABYTE) / line.length));
  const chunks = chunksOf(text);
  const scan = await medianTime(RUNS, () => {
    const scanner = new GateScanner();
    for (const chunk of chunks) scanner.push(chunk);
    return scanner.last;
  });
  const bare = await medianTime(RUNS, () => chunks.filter((chunk) => chunk.includes("<COMPLETION_GATE>")).length);
  const rate = text.length / MEGABYTE / (scan / 1000);
  const hostile: number[] = [];
  for (const input of hostileTexts()) hostile.push(await medianTime(3, () => parseLast(input)));
  const worst = Math.max(...hostile);
  return [
    {
      what: "gate parser, text without a gate",
      measured: `${rate.toFixed(0)} MB/s`,
      peer: `\`includes\` scan ${(text.length / MEGABYTE / (bare / 1000)).toFixed(0)} MB/s`,
      ratio: scan / bare,
      target: ">= 500 MB/s",
      met: rate >= 500,
    },
    {
      what: "gate parser, 10 MB of hostile tags",
      measured: `${worst.toFixed(0)} ms`,
      peer: "",
      ratio: null,
      target: "< 100 ms",
      met: worst < 100,
    },
  ];
}

function chunksOf(text: string): string[] {
  const chunks: string[] = [];
  for (let start = 0; start < text.length; start += CHUNK) chunks.push(text.slice(start, start + CHUNK));
  return chunks;
}

function hostileTexts(): string[] {
  const size = 10 * MEGABYTE;
  return [
    "<COMPLETION_GATE>",
    "</COMPLETION_GATE>",
    "<COMPLETION_GATE></COMPLETION_GATE>",
    "<COMPLETION_GATE>\nready: true\n",
    "<",
  ].map((tag) => tag.repeat(Math.ceil(size / tag.length)));
}
