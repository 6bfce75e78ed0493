import { closeSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { decodeEvent, encodeEvent } from "../../protocol/run-events.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { RunSpec } from "../../protocol/run-spec.ts";
import { EVENTS, isStreamName } from "../../protocol/streams.ts";
import { exists, readJson, writeAtomic } from "../../platform/files.ts";

/**
 * A run's directory: the spec, the journal (`events`) and the output of its processes. One RunDirectory object per run
 * and process writes the journal; everything else on disk is written by the shims.
 */
export class RunDirectory {
  readonly path: string;
  readonly spec: RunSpec;
  #journal: number | null = null;

  private constructor(path: string, spec: RunSpec) {
    this.path = path;
    this.spec = spec;
  }

  /** Makes the directory for a new run; a repeated call with the same run finds it as it is. */
  static async create(runs: string, spec: RunSpec): Promise<RunDirectory> {
    const path = join(runs, spec.runId);
    await mkdir(path, { recursive: true, mode: 0o700 });
    // spec.json is what makes a directory a run: until it is there, a crash leaves an empty directory and no run.
    if (!(await exists(join(path, "spec.json")))) await writeAtomic(join(path, "spec.json"), JSON.stringify(spec));
    return RunDirectory.open(path);
  }

  /** Opens a run's directory; throws when its spec.json is missing or malformed. */
  static async open(path: string): Promise<RunDirectory> {
    return new RunDirectory(path, RunSpec.parse(await readJson(join(path, "spec.json"))));
  }

  /** Every run below `runs`. Directories without a spec are left from a crash before the run existed: removed. */
  static async list(runs: string): Promise<RunDirectory[]> {
    const found: RunDirectory[] = [];
    for (const entry of await readdir(runs, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(runs, entry.name);
      if (await exists(join(path, "spec.json"))) found.push(await RunDirectory.open(path));
      else await rm(path, { recursive: true, force: true });
    }
    return found;
  }

  /**
   * Opens the journal for writing and returns what it holds. A last line torn by a crash is cut off: it was never
   * acknowledged, because the server stores whole lines only.
   */
  openJournal(): RunEvent[] {
    this.#journal = openSync(join(this.path, EVENTS), "a+", 0o600);
    const text = readFileSync(join(this.path, EVENTS));
    const whole = text.lastIndexOf(0x0a) + 1;
    if (whole < text.length) ftruncateSync(this.#journal, whole);
    return parseJournal(text.subarray(0, whole));
  }

  /**
   * Appends events in one write. `durable` also survives a power cut, at the price of a flush: for what a person may
   * already have been told.
   */
  append(events: RunEvent[], options: { durable: boolean }): void {
    if (this.#journal === null) throw new Error("the journal is not open");
    writeSync(this.#journal, events.map(encodeEvent).join(""));
    if (options.durable) fdatasyncSync(this.#journal);
  }

  closeJournal(): void {
    if (this.#journal !== null) closeSync(this.#journal);
    this.#journal = null;
  }

  /** The journal as it is on disk, for readers that do not write it. */
  async readJournal(): Promise<RunEvent[]> {
    if (!(await exists(join(this.path, EVENTS)))) return [];
    const text = await readFile(join(this.path, EVENTS));
    return parseJournal(text.subarray(0, text.lastIndexOf(0x0a) + 1));
  }

  /** Names of the streams on disk. */
  async streams(): Promise<string[]> {
    const files = await readdir(this.path, { recursive: true });
    return files.filter(isStreamName);
  }

  /** A person's wish to stop the run, kept on disk so that it outlives a crash between the wish and its effect. */
  async requestCancel(reason: string): Promise<void> {
    await writeAtomic(join(this.path, "cancel.json"), JSON.stringify({ reason }));
  }

  async cancelReason(): Promise<string | null> {
    const path = join(this.path, "cancel.json");
    if (!(await exists(path))) return null;
    return ((await readJson(path)) as { reason: string }).reason;
  }

  /** Records that the server has acknowledged everything: from then on the directory is only a convenience. */
  async markDelivered(acked: Record<string, number>): Promise<void> {
    await writeAtomic(join(this.path, "acks.json"), JSON.stringify(acked));
  }

  /** When everything was acknowledged (epoch ms), or null. */
  async deliveredAt(): Promise<number | null> {
    const path = join(this.path, "acks.json");
    return (await exists(path)) ? (await stat(path)).mtimeMs : null;
  }

  async remove(): Promise<void> {
    this.closeJournal();
    await rm(this.path, { recursive: true, force: true });
  }
}

function parseJournal(bytes: Buffer): RunEvent[] {
  return bytes
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map(decodeEvent);
}

