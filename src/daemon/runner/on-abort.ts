/** Calls `action` when the signal aborts, or at once when it has; disposing the result takes that back. */
export function onAbort(signal: AbortSignal, action: () => void): Disposable {
  signal.addEventListener("abort", action);
  if (signal.aborted) action();
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", action) };
}
