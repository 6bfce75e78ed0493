import { constants, open } from "node:fs/promises";
import { MakimaError } from "../../core/errors.ts";
import type { WebhookConfig } from "../../platform/config/config.ts";
import { isErrno } from "../../platform/files.ts";
import { learnSecrets } from "../../platform/redact/secrets.ts";

/** No secret is longer; what is, is another file (bytes). */
const LARGEST = 4096;

/** The secret in a file that nobody else can read. Throws `config_invalid`, saying what is wrong with the file. */
export async function readSecret(path: string): Promise<string> {
  try {
    // Without waiting for somebody to write to it, should it be a pipe.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { mode, size } = await file.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw invalid(path, "is not a file");
    if ((mode & 0o077) !== 0) throw invalid(path, "can be read by other users", `Run: chmod 600 ${path}`);
    if (size > LARGEST) throw invalid(path, `is larger than ${LARGEST} bytes`);
    const secret = (await file.readFile("utf8")).trim();
    if (secret === "") throw invalid(path, "is empty");
    return secret;
  } catch (error) {
    if (isErrno(error, "ENOENT")) throw invalid(path, "does not exist");
    if (isErrno(error, "EACCES")) throw invalid(path, "cannot be read");
    throw error;
  }
}

/**
 * Keeps the webhooks' secrets out of what is written from now on, their own first notification included. A file that cannot
 * be read is told of when there is something to send.
 */
export async function learnWebhookSecrets(webhooks: readonly WebhookConfig[]): Promise<void> {
  const read = await Promise.allSettled(webhooks.map(({ secretFile }) => readSecret(secretFile)));
  learnSecrets(read.flatMap((each) => (each.status === "fulfilled" ? [each.value] : [])));
}

function invalid(path: string, problem: string, hint = "Put a long random text in it, for this webhook only.") {
  return new MakimaError("config_invalid", `The secret file ${path} ${problem}`, { hint });
}
