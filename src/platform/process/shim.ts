/** Descriptor of the file that is SANDBOX_FILE, see below. */
export const SANDBOX_FD = 5;

/** What the kernel adds to a process's share of the memory (per mille) when it chooses whom to kill for want of it. */
const OOM_SCORE = 500;

/**
 * The shim: a POSIX shell script that stands between a launcher and one process, and outlives the launcher. It costs
 * 0.5 MB and no file of its own (`sh -c`). In its directory it leaves
 *
 *     out, err  what the process printed, byte for byte
 *     pid       who runs, see record.ts; made once, before the process starts
 *     exit      "exit <code>" or "signal <NAME>", made when the process itself has ended
 *     drained   empty; made when the last holder of stdout and stderr is gone: out and err are whole
 *     sandbox   what bubblewrap says of the sandbox that it makes, see sandboxed.ts; only where the process is one
 *
 * Positional parameters: directory, file to use as stdin, cap of each of out and err in 512-byte blocks (or ""), "yes" for
 * bubblewrap, which then finds `sandbox` open as descriptor 5 and hands it on to nobody (else ""), command.
 * Its stdin is a file with the environment of the process, see environmentScript.
 *
 * - Three shells and two `cat`s: the pipes are anonymous, so nothing is left to unlink or to block on after a kill -9.
 * - The process gets pipes, never the files: it could truncate and forge those through /proc/self/fd. It has a session
 *   of its own, so that signals to its group never meet the writers. In a sandbox its stdin is a copy that has no name any
 *   more, for the same reason: the file itself lies outside.
 * - `become` runs in the foreground, because a shell's background jobs start with SIGINT ignored.
 * - `pid` is opened with O_EXCL (`set -C`): of all shims that were ever started for the directory, and a launcher that
 *   gave up on them (see abandon), one gets it. It looks again after the write, since a launcher that meets an empty
 *   file for long takes it for a dead shim's. A shim that does not own `pid` touches neither exit nor drained.
 * - No file needs a rename: readers take a whole line or nothing, it comes with one write, and a shim killed before that
 *   write is as good as one killed before it made the file. (A rename costs a process, 1 ms.)
 * - A full disk must not make an end unknown: it tries until `exit` is written.
 * - `ulimit -f` is the cap: unlike `head -c` it does not hold output back until a buffer is full. What comes after is
 *   read and dropped, so that the process neither blocks nor dies of SIGPIPE.
 * - The kernel, when it is out of memory, takes the process and its children rather than makima.
 * - What it makes is closed to other users; the process gets the mask back that makima was started with.
 * - The shells' own stderr is /dev/null: what they say of signals ("Terminated") is not the process's output.
 */
export const SHIM = `# Keeps the output and the exit status of a process that outlives its launcher.
dir=$1 input=$2 blocks=$3 sandboxed=$4
shift 4
mask=$(umask)
umask 077

supervise() {
  setsid=/usr/bin/setsid
  [ -x $setsid ] || setsid=$(command -v setsid) ||
    setsid='perl -MPOSIX -e POSIX::setsid();exec{$ARGV[0]}@ARGV;warn($ARGV[0],$!);exit(127)'
  identify_self
  shim=$identity
  (become "$@") 2>&1 >&3 3>&-
  status=$?
  is_ours || exit
  end="exit $status"
  [ $status -le 128 ] || [ $status -ge 160 ] || end="signal $(kill -l $status)"
  until echo "$end" >"$dir/exit"; do
    [ -d "$dir" ] || exit
    sleep 1
  done
}

become() {
  identify_self
  read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id || boot=$(/usr/sbin/sysctl -n kern.bootsessionuuid)
  set -C
  echo "$boot|$identity|$shim|$$" 2>/dev/null >"$dir/pid" && is_ours || exit 125
  [ -z "$sandboxed" ] || exec ${SANDBOX_FD}>"$dir/sandbox"
  echo ${OOM_SCORE} 2>/dev/null >|/proc/self/oom_score_adj
  [ -z "$sandboxed" ] || { cp "$input" "$dir/input" && input="$dir/input"; }
  exec 4<&0 <"$input"
  [ -z "$sandboxed" ] || rm -f "$dir/input"
  set -- $setsid "$@"
  . /dev/fd/4
  umask "$mask"
  exec "$@" 4<&-
}

is_ours() {
  read -r record <"$dir/pid"
  case $record in *"|$$") ;; *) false ;; esac
}

identify_self() {
  if read -r stat </proc/self/stat; then
    pid=\${stat%% *}
    set -- \${stat##*) }
    identity="$pid|\${20}"
  else
    pid=$(exec sh -c 'echo $PPID')
    set -- $(ps -o lstart= -p "$pid")
    identity="$pid|$*"
  fi 2>/dev/null
}

write() {
  [ -n "$blocks" ] || exec cat
  trap '' XFSZ
  ulimit -f "$blocks"
  cat
  exec cat >/dev/null
}

{ supervise "$@" | write >>"$dir/err" 3>&-; } 3>&1 | write >>"$dir/out" && is_ours && : >"$dir/drained"
`;

/** The environment as a script for the shim. */
export function environmentScript(env: Readonly<Record<string, string>>): string {
  const lines = Object.entries(env).map(([name, value]) => {
    // It becomes code. The shell could not pass on another name anyway.
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`Not a portable environment variable name: ${name}`);
    return `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`;
  });
  return lines.join("");
}
