import { open } from "node:fs/promises";
import { stripAnsi } from "../../core/text.ts";
import { isErrno } from "../../platform/files.ts";

/** Enough for a test runner's summary and the failures above it; the whole output stays in the stream (bytes). */
const TAIL_BYTES = 64 * 1024;

/** The end of a process's output as plain text: its stdout, then its stderr. */
export async function outputTail(directory: string): Promise<string> {
  const [out, err] = await Promise.all([fileTail(`${directory}/out`), fileTail(`${directory}/err`)]);
  return stripAnsi(err.trim() === "" ? out : `${out}\n${err}`).trim();
}

/** The last 64 KiB of a file; empty when there is no such file. */
export async function fileTail(path: string): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    const length = Math.min(size, TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString("utf8", 0, bytesRead);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return "";
    throw error;
  }
}
