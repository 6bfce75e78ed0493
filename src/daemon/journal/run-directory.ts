import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensurePrivateDir, exists, readJson, writeAtomic } from "../../platform/files.ts";
import { decodeEvent, encodeEvent } from "../../protocol/run-events.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { RunSpec } from "../../protocol/run-spec.ts";
import { EVENTS, isStreamName, iterationPath } from "../../protocol/streams.ts";
import { excerpt } from "./fit-event.ts";
import { requirePlainNames } from "./plain-names.ts";

/**
 * A run's directory: the spec, the journal (`events`) and the output of its processes. One RunDirectory object per run
 * and process writes the journal; everything else on disk is written by the shims.
 */
export class RunDirectory {
  readonly path: string;
  readonly spec: RunSpec;
  #journal: number | null = null;
  #found = 0;
  #size = 0;

  private constructor(path: string, spec: RunSpec) {
    this.path = path;
    this.spec = spec;
  }

  /**
   * Makes the directory for a new run; a repeated call with the same run finds it as it is. `furnish` puts into it what
   * the run is to find there from its beginning, and says what is different in its spec. Throws `invalid_request` for ids
   * that are no plain names: they become parts of paths and of command lines, and a server is not trusted for those.
   */
  static async create(
    runs: string,
    spec: RunSpec,
    furnish: (path: string) => Promise<Partial<RunSpec>> = async () => ({}),
  ): Promise<RunDirectory> {
    const { runId, taskId, contractId, resume } = spec;
    requirePlainNames("run", [runId, taskId, contractId, resume?.runId ?? runId, resume?.sessionId ?? runId]);
    const path = join(runs, spec.runId);
    await mkdir(path, { recursive: true, mode: 0o700 });
    const file = join(path, "spec.json");
    // spec.json is what makes a directory a run: until it is there, a crash leaves a directory that is none.
    if (!(await exists(file))) await writeAtomic(file, JSON.stringify({ ...spec, ...(await furnish(path)) }));
    return RunDirectory.open(path);
  }

  /** Opens a run's directory; throws when its spec.json is missing or malformed. */
  static async open(path: string): Promise<RunDirectory> {
    return new RunDirectory(path, RunSpec.parse(await readJson(join(path, "spec.json"))));
  }

  /** Path of every run below `runs`. Directories without a spec are left from a crash before the run existed: removed. */
  static async list(runs: string): Promise<string[]> {
    const found: string[] = [];
    for (const entry of await readdir(runs, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(runs, entry.name);
      if (await exists(join(path, "spec.json"))) found.push(path);
      else await rm(path, { recursive: true, force: true });
    }
    return found;
  }

  /**
   * Opens the journal for writing and returns what it holds. A last line torn by a crash is cut off: it was never
   * acknowledged, because the server stores whole lines only. Throws when a whole line is no event.
   */
  openJournal(): RunEvent[] {
    const journal = openSync(join(this.path, EVENTS), "a+", 0o600);
    try {
      const text = readFileSync(join(this.path, EVENTS));
      const whole = text.lastIndexOf(0x0a) + 1;
      if (whole < text.length) ftruncateSync(journal, whole);
      const events = parseJournal(text.subarray(0, whole));
      this.#journal = journal;
      this.#found = whole;
      this.#size = whole;
      return events;
    } catch (error) {
      closeSync(journal);
      throw error;
    }
  }

  /**
   * Appends events, all or none: on a full disk the journal is left as it was, and it throws. `durable` also survives a
   * power cut, at the price of a flush: for what a person may already have been told.
   */
  append(events: RunEvent[], options: { durable: boolean }): void {
    if (this.#journal === null) throw new Error("the journal is not open");
    const lines = events.map(encodeEvent);
    // Agents and checks have a say in what events hold. A line that cannot be read again would end the run at its next start.
    for (const line of lines) decodeEvent(line);
    const data = Buffer.from(lines.join(""));
    appendWhole(this.#journal, data);
    this.#size += data.length;
    if (options.durable) fdatasyncSync(this.#journal);
  }

  /** Size of the journal in bytes: when this object opened it, and now. */
  get journalSize(): { found: number; now: number } {
    return { found: this.#found, now: this.#size };
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

  /**
   * Keeps an iteration's prompt, which may be longer than an event can be, and returns what an event says of it. To be
   * done before that is recorded: from then on the prompt is read from here.
   */
  async writePrompt(iteration: number, prompt: string): Promise<string> {
    await ensurePrivateDir(join(this.path, iterationPath(iteration)));
    // Not flushed: the event that refers to it is not either, and only a power cut could part them.
    await writeFile(this.#promptPath(iteration), prompt, { mode: 0o600 });
    return promptExcerpt(prompt);
  }

  async readPrompt(iteration: number): Promise<string> {
    return readFile(this.#promptPath(iteration), "utf8");
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
    return this.#reasonIn("cancel.json");
  }

  /** Keeps that the run is not the task's any more: whatever it has done is put aside when it ends. */
  async requestFence(reason: string): Promise<void> {
    await writeAtomic(join(this.path, "fenced.json"), JSON.stringify({ reason }));
  }

  async fenceReason(): Promise<string | null> {
    return this.#reasonIn("fenced.json");
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

  async #reasonIn(file: string): Promise<string | null> {
    const kept = (await readJson(join(this.path, file))) as { reason: string } | undefined;
    return kept?.reason ?? null;
  }

  #promptPath(iteration: number): string {
    return join(this.path, iterationPath(iteration), "prompt");
  }
}

/** What an event holds of a text that is said to an agent: a reader recognises it by its beginning. */
export function promptExcerpt(text: string): string {
  return excerpt(text, PROMPT_EXCERPT);
}

/** Characters. */
const PROMPT_EXCERPT = 8_000;

/** A write may take in less than it is given, and the rest then fails: what was taken in is cut off again. */
function appendWhole(file: number, data: Buffer): void {
  const { size } = fstatSync(file);
  try {
    for (let written = 0; written < data.length;) written += writeSync(file, data, written);
  } catch (error) {
    ftruncateSync(file, size);
    throw error;
  }
}

function parseJournal(bytes: Buffer): RunEvent[] {
  return bytes
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map(decodeEvent);
}
