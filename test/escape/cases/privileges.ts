import { attack, MACHINE_WIDE, MACHINES_DIFFER, NEEDS_CAPABILITY, PROGRAMS_DIFFER, python } from "../case.ts";
import type { EscapeClass } from "../case.ts";

/** clone3 has the same number everywhere; the new process ends at once. */
const CLONE_USER_NAMESPACE = python(`
arguments = struct.pack("8Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0)
child = libc.syscall(435, arguments, len(arguments))
if child == 0: os._exit(0)
done(child)`);

const UNCOVER = "for at in $(awk '{print $5}' /proc/self/mountinfo); do umount --lazy \"$at\" && exit 0; done; exit 1";

/** Whatever file system is behind it, the root directory has a handle. */
const OPEN_BY_HANDLE = python(`
handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
mount = ctypes.c_int()
if libc.name_to_handle_at(-100, os.environ["OUT"].encode(), handle, ctypes.byref(mount), 0) < 0: sys.exit(1)
done(libc.open_by_handle_at(os.open(os.environ["OUT"], os.O_RDONLY), handle, os.O_RDONLY))`);

/** The kernel asks for the capability before it looks at the image, which is none. */
const LOAD_MODULE = python("libc.init_module(None, 0, None)\nsys.exit(1 if ctypes.get_errno() in (1, 38) else 0)");

const REMOUNT_READ_WRITE = python('done(libc.mount(b"none", b"/", None, 4096 | 32, None))');

export const PRIVILEGES: EscapeClass = {
  title: "privileges and mounts",
  defends: "what was mounted stays as it is, and there is no way to a capability, not even for root",
  cases: [
    attack("has a capability", "grep -Eq '^Cap(Eff|Prm|Bnd):.*[1-9a-f]' /proc/self/status"),
    attack(
      "can gain privileges by a set-user-id program",
      "grep -Eq '^NoNewPrivs:[[:space:]]*0' /proc/self/status",
      MACHINES_DIFFER,
    ),
    attack("becomes root with su", "su -c true root < /dev/null", "done as root"),
    attack("becomes another user", python("os.setuid(12345)"), "done as root"),
    attack("gives a file away", "touch given && chown 12345 given", "done as root"),
    attack("makes a user namespace", "unshare --user true", PROGRAMS_DIFFER),
    attack("makes a user namespace by the system call", CLONE_USER_NAMESPACE, PROGRAMS_DIFFER),
    attack("starts a sandbox of its own", "bwrap --ro-bind / / true"),
    attack(
      "mounts in a namespace of its own",
      "unshare --user --map-root-user --mount mount -t tmpfs none /mnt",
      PROGRAMS_DIFFER,
    ),
    attack("makes a mount namespace", "unshare --mount true", NEEDS_CAPABILITY),
    attack("makes a network namespace", "unshare --net true", NEEDS_CAPABILITY),
    attack("mounts a file system", "mount -t tmpfs none /mnt", NEEDS_CAPABILITY),
    attack("mounts /proc afresh", "mkdir -p fresh && mount -t proc none fresh", NEEDS_CAPABILITY),
    attack("mounts the root elsewhere", "mkdir -p elsewhere && mount --bind / elsewhere", NEEDS_CAPABILITY),
    attack("clones the tree of mounts", python('done(libc.syscall(428, -100, b"/", 1))'), NEEDS_CAPABILITY),
    attack("remounts the root read-write", "mount -o remount,rw /", MACHINE_WIDE),
    attack("remounts the root read-write by the system call", REMOUNT_READ_WRITE, MACHINE_WIDE),
    attack("remounts a hidden directory read-write", 'mount -o remount,rw,bind "$HOME/.ssh"', NEEDS_CAPABILITY),
    attack("takes the cover off a hidden directory", 'umount "$HOME/.ssh"', NEEDS_CAPABILITY),
    attack("takes the cover off a hidden file", 'umount --lazy "$HOME/.netrc"', NEEDS_CAPABILITY),
    attack("takes off any of the mounts that it can list", UNCOVER, NEEDS_CAPABILITY),
    attack("moves a mount", 'mkdir -p moved && mount --move "$HOME/.ssh" moved', NEEDS_CAPABILITY),
    attack("changes its root", "chroot / true", "done as root"),
    attack("changes the root of all", python('done(libc.pivot_root(b"/", b"/"))'), MACHINE_WIDE),
    attack("makes a device", "mknod device c 1 3", NEEDS_CAPABILITY),
    attack("makes a disk in /dev", "mknod /dev/makima-escape b 8 0", MACHINE_WIDE),
    attack("finds a disk", "ls /dev | grep -Eq '^(sd|vd|xvd|nvme|dm-|loop|mapper)'", MACHINES_DIFFER),
    attack("finds the memory or a hypervisor", "ls /dev | grep -Eq '^(mem|kmsg|port|kvm|fuse|net)$'", MACHINES_DIFFER),
    attack("reads the memory of the kernel", "head -c 16 /proc/kcore | grep -q .", MACHINES_DIFFER),
    attack("loads a module", LOAD_MODULE, NEEDS_CAPABILITY),
    attack("sets the clock", 'date --set "@$(date +%s)"', MACHINE_WIDE),
    attack("opens a file by its handle", OPEN_BY_HANDLE, NEEDS_CAPABILITY),
  ],
};
