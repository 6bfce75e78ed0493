import { attack, MACHINE_WIDE, NEEDS_CAPABILITY, python } from "../case.ts";
import type { Control, EscapeClass } from "../case.ts";

/** What was started outside, bubblewrap's own process included, has its program on a mount that can be written. */
const HOSTS_OWN: Control = { untried: "process 1 is the machine's own" };

/** $VICTIM is a process outside that lets everybody trace it and has a secret in its environment and in its directory. */
export const PROCESSES: EscapeClass = {
  title: "processes and /proc",
  defends:
    "no process outside can be seen, read, traced, signalled or used as a way out; the kernel's settings are out of reach",
  cases: [
    attack("sees a process outside", 'test -d "/proc/$VICTIM"'),
    attack("reads the environment of a process outside", 'grep -qa CANARY "/proc/$VICTIM/environ"'),
    attack("reads the command line of a process outside", 'grep -qa victim "/proc/$VICTIM/cmdline"'),
    attack("leaves through the root of a process outside", 'test -e "/proc/$VICTIM/root$OUT/canary"'),
    attack("leaves through the directory of a process outside", 'test -e "/proc/$VICTIM/cwd/canary"'),
    attack("reads the descriptors of a process outside", 'test -n "$(ls -A "/proc/$VICTIM/fd")"'),
    attack(
      "reads the memory of a process outside",
      python(`
maps = open(f"/proc/{os.environ['VICTIM']}/maps").readline()
memory = open(f"/proc/{os.environ['VICTIM']}/mem", "rb")
memory.seek(int(maps.split("-")[0], 16))
memory.read(16)`),
    ),
    attack("traces a process outside", python(`done(libc.ptrace(16, int(os.environ["VICTIM"]), None, None))`)),
    attack("changes the priority of a process outside", 'renice -n 19 -p "$VICTIM"'),
    attack("asks for a handle of a process outside", python(`done(libc.syscall(434, int(os.environ["VICTIM"]), 0))`)),
    attack("enters the namespaces of a process outside", 'nsenter --target "$VICTIM" --mount true', NEEDS_CAPABILITY),
    attack("enters the namespaces of process 1", "nsenter --target 1 --mount --pid true", NEEDS_CAPABILITY),
    attack("leaves through the root of process 1", 'grep -q CANARY "/proc/1/root$HOME/.ssh/id_rsa"', NEEDS_CAPABILITY),
    attack("finds a process that was started outside", "readlink /proc/[0-9]*/exe | grep -q bwrap", HOSTS_OWN),
    attack(
      "changes the program behind process 1",
      'chmod "$(stat --dereference --format=%a /proc/1/exe)" /proc/1/exe',
      HOSTS_OWN,
    ),
    attack(
      "finds a secret in the environment of any process",
      "cat /proc/[0-9]*/environ 2>/dev/null | grep -qa CANARY",
    ),
    attack(
      "sees shared memory of System V from outside",
      python(`done(libc.shmget(int(os.environ["SHARED_MEMORY"]), 0, 0))`),
    ),
    attack(
      "makes itself the last to be killed when memory is short",
      "echo -1000 > /proc/self/oom_score_adj",
      NEEDS_CAPABILITY,
    ),
    attack("presses the magic key", "echo h > /proc/sysrq-trigger", MACHINE_WIDE),
    attack(
      "sets what runs when a process crashes",
      "cat /proc/sys/kernel/core_pattern > /tmp/p; cat /tmp/p > /proc/sys/kernel/core_pattern",
      MACHINE_WIDE,
    ),
    attack(
      "sets what loads modules",
      "cat /proc/sys/kernel/modprobe > /tmp/m; cat /tmp/m > /proc/sys/kernel/modprobe",
      MACHINE_WIDE,
    ),
    attack("changes a setting of the kernel", "echo 1 > /proc/sys/vm/drop_caches", MACHINE_WIDE),
    attack("makes a control group", "mkdir /sys/fs/cgroup/makima-escape", MACHINE_WIDE),
    attack("writes to /sys", "echo x > /sys/kernel/mm/transparent_hugepage/enabled", MACHINE_WIDE),
    attack("changes the host's name", 'hostname escaped && test "$(uname -n)" = escaped', MACHINE_WIDE),
    attack("stops the group of a process outside", 'kill -STOP "-$VICTIM"'),
    attack("kills a process outside", 'kill -9 "$VICTIM"'),
  ],
};
