import { constants, copyFile } from "node:fs/promises";
import { isErrno } from "../../platform/files.ts";

/**
 * Environment variable with which a test run tells its files about a database that it has made for all of them. To copy it
 * takes a sixth of the processor time that all migrations take, which is most of what a small test would need.
 */
export const SQLITE_OF_RUN = "TEST_SQLITE";

/** Begins a database in this version's schema, unless there is one, or none to copy. */
export async function beginDatabase(path: string): Promise<void> {
  const template = process.env[SQLITE_OF_RUN];
  if (template === undefined) return;
  try {
    await copyFile(template, path, constants.COPYFILE_EXCL);
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
}
