#!/usr/bin/env node
import { runCommandLine } from "./program.ts";

// exitCode instead of exit(): what is still being written to a pipe gets there.
process.exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onSignals(signals, listener) {
    for (const signal of signals) process.on(signal, listener);
    return {
      [Symbol.dispose]() {
        for (const signal of signals) process.off(signal, listener);
      },
    };
  },
  exit: (code) => process.exit(code),
});
