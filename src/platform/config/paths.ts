import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Directory of everything that makima keeps: MAKIMA_HOME, else `makima` in XDG's data directory. */
export function makimaHome(env: Environment): string {
  return env.MAKIMA_HOME ? resolve(env.MAKIMA_HOME) : join(xdg(env, "XDG_DATA_HOME", ".local/share"), "makima");
}

/** The configuration file that is read when none is named. */
export function defaultConfigFile(env: Environment): string {
  return join(xdg(env, "XDG_CONFIG_HOME", ".config"), "makima", "config.toml");
}

/** Where a person's templates lie: beside the configuration file, which need not exist (null). */
export function templatesDirectory(env: Environment, configFile: string | null): string {
  return join(dirname(configFile ?? defaultConfigFile(env)), "templates");
}

/** XDG's specification: a base directory that is not absolute is to be ignored. */
function xdg(env: Environment, variable: string, fallback: string): string {
  const named = env[variable];
  return named !== undefined && isAbsolute(named) ? named : join(userHome(env), fallback);
}

export function userHome(env: Environment): string {
  return env.HOME ? env.HOME : homedir();
}

export interface PathOrigin {
  /** Absolute directory that a relative path starts from. */
  base: string;
  /** What `~` stands for. */
  userHome: string;
}

/** An absolute path from one that a person wrote: `~/...`, relative to `base`, or absolute already. */
export function expandPath(path: string, { base, userHome: tilde }: PathOrigin): string {
  return resolve(
    base,
    path.replace(/^~(?=\/|$)/, () => tilde),
  );
}

export type Paths = ReturnType<typeof paths>;

/** Where things lie under makima's home. Directories are made with mode 0700, files with 0600. */
export function paths(home: string) {
  return {
    home,
    db: join(home, "makima.db"),
    userKey: join(home, "user.key"),
    daemonKey: join(home, "daemon.key"),
    serverJson: join(home, "server.json"),
    serverLock: join(home, "server.lock"),
    serverPort: join(home, "server.port"),
    daemonJson: join(home, "daemon.json"),
    daemonLock: join(home, "daemon.lock"),
    runs: join(home, "runs"),
    worktrees: join(home, "worktrees"),
    trials: join(home, "trials"),
    archive: join(home, "archive"),
    bin: join(home, "bin"),
    logs: join(home, "logs"),
    upLog: join(home, "logs", "up.log"),
  };
}
