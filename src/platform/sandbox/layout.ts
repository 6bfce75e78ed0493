import type { SandboxPlan } from "./request.ts";

/** Fresh in every sandbox, and writable: sockets of the host's services, and other tasks' temporary files, are not there. */
export const SCRATCH = ["/tmp", "/dev/shm", "/var/tmp", "/run"] as const;

const FRESH: ReadonlySet<string> = new Set(SCRATCH);

/** One mount. `hidden-file` covers everything that is no directory. */
export interface Mount {
  at: string;
  from: string;
  kind: "scratch" | "hidden-directory" | "hidden-file" | "read" | "write";
}

/**
 * The mounts on top of the read-only root, in the order in which they are made. The most specific path decides, whatever
 * list it stands in: what is hidden in something writable stays hidden, a checkout in a hidden directory can be reached.
 * Where two lists name the same path, the later of exposed, hidden, scratch, readonly, writable, dir, overlays decides.
 *
 * What lies as it is already is left out. That is more than tidiness: bwrap looks a source up again when it mounts it, and
 * what lies in a writable place may have been replaced by a link since.
 */
export function layoutOf(plan: SandboxPlan): Mount[] {
  const byPlace = new Map(wantedBy(plan).map((mount) => [mount.at, mount]));
  // A parent has fewer names than its children, and must be mounted first: a mount covers everything below it.
  const mounts = [...byPlace.values()].toSorted((a, b) => depth(a.at) - depth(b.at));
  return mounts.filter((mount) => !liesSoAlready(mount, enclosing(mount.at, byPlace)));
}

function wantedBy({ nameServers, exposed, hidden, scratch, readonly, writable, dir, overlays }: SandboxPlan): Mount[] {
  // A home of "/tmp" must not bring the host's back.
  const visible = [...(nameServers === null ? [] : [nameServers]), ...exposed].filter((at) => !FRESH.has(at));
  return [
    ...SCRATCH.map((at): Mount => ({ at, from: at, kind: "scratch" })),
    ...visible.map((at): Mount => ({ at, from: at, kind: "read" })),
    ...hidden.map(({ path, directory }): Mount => {
      return { at: path, from: path, kind: directory ? "hidden-directory" : "hidden-file" };
    }),
    ...scratch.map((at): Mount => ({ at, from: at, kind: "scratch" })),
    ...readonly.map((at): Mount => ({ at, from: at, kind: "read" })),
    ...[...writable, dir].map((at): Mount => ({ at, from: at, kind: "write" })),
    ...overlays.map((overlay): Mount => ({ ...overlay, kind: "read" })),
  ];
}

const ROOT: Mount = { at: "/", from: "/", kind: "read" };
/** The sandbox's own, in which nothing of the host lies. */
const DEV: Mount = { at: "/dev", from: "", kind: "scratch" };

/** The mount in which a path lies. */
function enclosing(path: string, mounts: ReadonlyMap<string, Mount>): Mount {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const mount = mounts.get(path.slice(0, end));
    if (mount !== undefined) return mount;
  }
  return path.startsWith("/dev/") ? DEV : ROOT;
}

function liesSoAlready({ at, from, kind }: Mount, outer: Mount): boolean {
  if (from !== at || outer.from !== outer.at) return false;
  if (kind === "read" || kind === "write") return outer.kind === kind;
  return kind !== "scratch" && (outer.kind === "scratch" || outer.kind === "hidden-directory");
}

function depth(path: string): number {
  return path.split("/").length;
}
