import { readFile } from "node:fs/promises";

/** The kernel's settings that decide over user namespaces; null for one that this kernel does not have. */
export interface KernelSettings {
  /** user.max_user_namespaces */
  maxUserNamespaces: number | null;
  /** kernel.unprivileged_userns_clone, of Debian and its children. */
  unprivilegedUserNamespaces: number | null;
  /** kernel.apparmor_restrict_unprivileged_userns, of Ubuntu since 23.10. */
  apparmorRestriction: number | null;
}

export async function readKernelSettings(): Promise<KernelSettings> {
  const [maxUserNamespaces, unprivilegedUserNamespaces, apparmorRestriction] = await Promise.all([
    numberIn("/proc/sys/user/max_user_namespaces"),
    numberIn("/proc/sys/kernel/unprivileged_userns_clone"),
    numberIn("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
  ]);
  return { maxUserNamespaces, unprivilegedUserNamespaces, apparmorRestriction };
}

async function numberIn(file: string): Promise<number | null> {
  try {
    return Number.parseInt(await readFile(file, "latin1"), 10);
  } catch {
    return null;
  }
}
