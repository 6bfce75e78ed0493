import { attack, MACHINES_DIFFER, python } from "../case.ts";
import type { Control, EscapeClass } from "../case.ts";

const LIFT_LIMIT = python(`
import resource
hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
resource.setrlimit(resource.RLIMIT_NPROC, (hard, resource.RLIM_INFINITY))`);

/** With a limit of its own, far below the real one: a fork bomb would take the time of all the other cases. */
const EXCEED_LIMIT = python(`
import resource, time
resource.setrlimit(resource.RLIMIT_NPROC, (40, 40))
children = []
try:
  for _ in range(60):
    child = os.fork()
    if child == 0: time.sleep(60)
    children.append(child)
except BlockingIOError: pass
for child in children: os.kill(child, 9)
sys.exit(0 if len(children) == 60 else 1)`);
const KERNELS: Control = { untried: "it is the kernel that holds a process to its limit" };

export const LIMITS: EscapeClass = {
  title: "limits",
  defends: "neither memory nor processes of the machine can be used up; 40 MB fit where the limit is 32",
  cases: [
    ...["/tmp", "/dev/shm", "/var/tmp", "/run"].map((at) =>
      attack(
        `fills ${at} past its size`,
        `head -c 40000000 /dev/zero > ${at}/fill; code=$?; rm -f ${at}/fill; exit $code`,
        { untried: "it would fill the machine's own" },
      ),
    ),
    attack(
      "may have any number of processes",
      'test "$(ulimit -u 2>/dev/null || ulimit -p)" = unlimited',
      MACHINES_DIFFER,
    ),
    attack("lifts the limit on processes", LIFT_LIMIT, MACHINES_DIFFER),
    { ...attack("has more processes than its limit", EXCEED_LIMIT, KERNELS), rootMay: true },
  ],
};
