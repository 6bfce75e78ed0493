import { MakimaError } from "../../core/errors.ts";
import type { Paths } from "../../platform/config/paths.ts";
import { ensurePrivateDir } from "../../platform/files.ts";

/** Makes makima's data directory; throws `read_only` where that is not allowed. */
export async function prepareHome(paths: Paths): Promise<void> {
  try {
    await ensurePrivateDir(paths.home);
    await ensurePrivateDir(paths.logs);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST"].includes(code)) throw error;
    throw new MakimaError("read_only", `Cannot write makima's directory ${paths.home} (${code})`, { cause: error });
  }
}
