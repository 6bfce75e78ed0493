import { type FSWatcher, watch } from "node:fs";

/**
 * Calls `changed` with the name of an entry of the directory when it may have changed, and with null every `pollMs`:
 * watches get lost (limits, network file systems), so they only make things fast, and the poll makes them certain.
 * Dispose it to release the watch and the timer.
 */
export function watchDirectory(path: string, pollMs: number, changed: (name: string | null) => void): Disposable {
  const poll = setInterval(changed, pollMs, null);
  const watcher = tryWatch(path, changed);
  return {
    [Symbol.dispose]() {
      clearInterval(poll);
      watcher?.close();
    },
  };
}

function tryWatch(path: string, changed: (name: string | null) => void): FSWatcher | null {
  try {
    const watcher = watch(path, (_event, name) => changed(name));
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
