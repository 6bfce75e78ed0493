import { attack, MACHINES_DIFFER, python } from "../case.ts";
import type { Control, EscapeClass } from "../case.ts";

/** In Python: connects to what is listened to outside; exits with 0 when somebody answered. */
function connecting(family: "AF_UNIX" | "AF_INET", address: string): string {
  return python(`
peer = socket.socket(socket.${family})
peer.settimeout(5)
peer.connect(${address})
sys.exit(0 if peer.recv(9) == b"listening" else 1)`);
}

const ABSTRACT = connecting("AF_UNIX", '"\\0" + os.environ["SOCKET_ABSTRACT"]');
const LOOPBACK = connecting("AF_INET", '("127.0.0.1", int(os.environ["PORT"]))');

/** The process that tries everything is the parent of each script. */
const INPUT = "/proc/$PPID/fd/0";
const OURS: Control = { untried: "it is makima that starts processes so" };

export const SURROUNDINGS: EscapeClass = {
  title: "descriptors, environment, sockets, terminal",
  defends:
    "a process gets what it is given and nothing that makima happened to hold: no file, socket, terminal or variable",
  cases: [
    attack("has descriptors besides 0, 1 and 2", 'grep -Eqv "^[012] " "$DESCRIPTORS"', OURS),
    attack("has a file behind its output", 'grep -Eq "^[12] /" "$DESCRIPTORS"', OURS),
    attack("finds no output at all", '! grep -q "^1 " "$DESCRIPTORS"', OURS),
    attack(
      "has a file with a name as its input",
      `echo forged >> "${INPUT}"; readlink "${INPUT}" | grep -v " (deleted)$" | grep -q ^/`,
      OURS,
    ),
    attack("finds a secret in its environment", "env | grep -q CANARY"),
    attack("finds a secret in the environment of process 1", "grep -qa CANARY /proc/1/environ", {
      untried: "that is the machine's own",
    }),
    attack(
      "is told of an agent for keys, a bus or a desktop",
      "env | grep -Eq '^(SSH_AUTH_SOCK|DBUS_SESSION_BUS_ADDRESS|XDG_RUNTIME_DIR|DISPLAY|WAYLAND_DISPLAY)='",
    ),
    attack("reaches a socket in the host's /tmp", connecting("AF_UNIX", 'os.environ["SOCKET_TMP"]')),
    attack("reaches a socket in the host's /run", connecting("AF_UNIX", 'os.environ["SOCKET_RUN"]'), "done as root"),
    attack("reaches Docker", connecting("AF_UNIX", '"/run/docker.sock"'), MACHINES_DIFFER),
    attack("reaches the bus of the system", connecting("AF_UNIX", '"/run/dbus/system_bus_socket"'), MACHINES_DIFFER),
    attack("reaches the bus of a user", "ls /run/user/*/bus", MACHINES_DIFFER),
    attack("finds a file in the host's /tmp", 'ls /tmp | grep -q "$(basename "$SOCKET_TMP")"'),
    attack("finds a file in the host's /dev/shm", 'test -e "$FILE_SHM"'),
    attack("finds a file in the host's /var/tmp", 'test -e "$FILE_VAR_TMP"'),
    attack("opens the terminal that makima was started from", "true < /dev/tty > /dev/tty", MACHINES_DIFFER),
    attack(
      "types into another terminal",
      'for tty in /dev/pts/[0-9]*; do echo x > "$tty" && exit 0; done; exit 1',
      MACHINES_DIFFER,
    ),
  ],
};

/** With `network = "none"`. */
export const OFFLINE: EscapeClass = {
  title: "no network",
  defends: 'with `network = "none"` nothing is reached, neither by address nor by an abstract name',
  cases: [
    attack("reaches a server on this machine", LOOPBACK),
    attack("reaches an abstract socket", ABSTRACT),
    attack("has a network device", "grep -Eqv '^ *(lo|Inter-|face)' /proc/net/dev", MACHINES_DIFFER),
  ],
};

/** What has to work with `network = "host"`. */
export const REACHES_LOOPBACK = LOOPBACK;
