/** Calls `action` when the signal aborts, or at once when it has; disposing the result takes that back. */
export function onAbort(signal: AbortSignal, action: () => void): Disposable {
  signal.addEventListener("abort", action);
  if (signal.aborted) action();
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", action) };
}

/** Resolves when one of the signals aborts, or at once when one has. */
export async function anyAbort(...signals: AbortSignal[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const waits = signals.map((signal) => onAbort(signal, resolve));
  await promise;
  for (const wait of waits) wait[Symbol.dispose]();
}
