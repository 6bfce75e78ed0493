/**
 * A stream is named by the path of its file below the run's directory, so that the name needs no table on either side.
 * `events`, `iterations/0001/out`, `iterations/0001/checks/01/err`, `baseline/01/out`.
 */
const STREAM =
  /^(?:events|iterations\/[0-9]{4,6}\/(?:checks\/[0-9]{2,4}\/)?(?:out|err)|baseline\/[0-9]{2,4}\/(?:out|err))$/;

/** Most bytes of a stream that travel in one frame. */
export const MAX_FRAME_DATA = 256 * 1024;

export const EVENTS = "events";

export function isStreamName(name: string): boolean {
  return STREAM.test(name);
}

/** Directory of an iteration below the run's directory: `iterations/0001`. */
export function iterationPath(index: number): string {
  return `iterations/${String(index).padStart(4, "0")}`;
}

/** Directory of a check's output: below its iteration, or below `baseline` for index null. */
export function checkPath(iteration: number | null, number: number): string {
  const name = String(number).padStart(2, "0");
  return iteration === null ? `baseline/${name}` : `${iterationPath(iteration)}/checks/${name}`;
}
