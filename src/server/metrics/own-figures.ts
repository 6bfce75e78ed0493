import { Gauge } from "prom-client";
import type { Registry } from "prom-client";

/**
 * The server's process, under the names that Prometheus' dashboards expect. prom-client's own collectors would leave
 * observers behind, which nobody could end, for every server that a process starts.
 */
export class OwnFigures {
  readonly #cpu: Gauge;
  readonly #resident: Gauge;
  readonly #heap: Gauge;
  readonly #loop: Gauge;
  #lastLoop = performance.eventLoopUtilization();

  constructor(registry: Registry) {
    const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
    this.#cpu = gauge("process_cpu_seconds_total", "Processor time that the process has taken, in seconds.");
    this.#resident = gauge("process_resident_memory_bytes", "Memory of the process.");
    this.#heap = gauge("nodejs_heap_size_used_bytes", "Heap of the process that is in use.");
    this.#loop = gauge("nodejs_eventloop_utilization_ratio", "Share of the time since the last scrape spent working.");
    const startedAt = Date.now() / 1000 - process.uptime();
    gauge("process_start_time_seconds", "When the process was started, in seconds since 1970.").set(startedAt);
  }

  read(): void {
    const { user, system } = process.cpuUsage();
    this.#cpu.set((user + system) / 1e6);
    const { rss, heapUsed } = process.memoryUsage();
    this.#resident.set(rss);
    this.#heap.set(heapUsed);
    const loop = performance.eventLoopUtilization();
    this.#loop.set(performance.eventLoopUtilization(loop, this.#lastLoop).utilization);
    this.#lastLoop = loop;
  }
}
