import { appendFile, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { exists, writeAtomic } from "../../platform/files.ts";
import type { Git } from "../../platform/git/git.ts";
import { locateRepository } from "../../platform/git/repository.ts";
import { requireAllowed } from "../repositories.ts";

/** Repositories that are remembered. */
const REMEMBERED = 1_000;

interface Services {
  git: Git;
  /** Whether the daemon may work in a repository, by its real path. */
  allowsRepository: (path: string) => boolean;
}

/**
 * The repositories that this daemon was ever to work in, durably, since what was salvaged lies in them. One that is not
 * there is kept for as long as there is room: its disk may come back.
 */
export class KnownRepositories {
  readonly #path: string;
  readonly #services: Services;
  /** Git directories that all work trees share, real paths, the latest last. */
  readonly #commonDirs: Set<string>;
  /** What was asked for in this daemon's life: looked up once. */
  readonly #asked = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, services: Services, commonDirs: Set<string>) {
    this.#path = path;
    this.#services = services;
    this.#commonDirs = commonDirs;
  }

  static async open(home: string, services: Services): Promise<KnownRepositories> {
    const path = join(home, "repositories.known");
    const text = (await exists(path)) ? await readFile(path, "utf8") : "";
    const known = new KnownRepositories(path, services, new Set(text.split("\n").flatMap(parseLine)));
    await known.#forget();
    // Whole lines again, where a crash has left half of one.
    const whole = [...known.#commonDirs].map(encode).join("");
    if (whole !== text) await writeAtomic(path, whole);
    return known;
  }

  /** Those that are there now. */
  async present(): Promise<string[]> {
    const found = await Promise.all(Array.from(this.#commonDirs, async (dir) => ((await exists(dir)) ? [dir] : [])));
    return found.flat();
  }

  /** Remembers the repository that the directory `path` lies in, where that is one that the daemon may work in. */
  async note(path: string): Promise<void> {
    if (this.#asked.has(path)) return;
    const commonDir = await this.#locate(path);
    if (commonDir === null) return;
    await this.add(commonDir);
    this.#asked.add(path);
  }

  /** One write after the other; resolves when it is on disk. */
  add(commonDir: string): Promise<void> {
    const written = this.#writing.then(() => this.#append(commonDir));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #append(commonDir: string): Promise<void> {
    if (this.#commonDirs.has(commonDir)) return;
    await appendFile(this.#path, encode(commonDir), { flush: true, mode: 0o600 });
    this.#commonDirs.add(commonDir);
  }

  async #locate(path: string): Promise<string | null> {
    const { git, allowsRepository } = this.#services;
    try {
      // Before anything is run in it: the path comes from outside.
      await requireAllowed(allowsRepository, path);
      return await realpath((await locateRepository(git, path)).commonDir);
    } catch {
      return null;
    }
  }

  /** Those first that are gone, then the oldest. */
  async #forget(): Promise<void> {
    if (this.#commonDirs.size <= REMEMBERED) return;
    const present = new Set(await this.present());
    const order = [...this.#commonDirs].toSorted((a, b) => Number(present.has(a)) - Number(present.has(b)));
    for (const dir of order.slice(0, order.length - REMEMBERED)) this.#commonDirs.delete(dir);
  }
}

function encode(commonDir: string): string {
  return `${JSON.stringify(commonDir)}\n`;
}

function parseLine(text: string): string[] {
  try {
    const path: unknown = JSON.parse(text);
    return typeof path === "string" ? [path] : [];
  } catch {
    return [];
  }
}
