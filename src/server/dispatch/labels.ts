import type { Labels } from "../../protocol/labels.ts";

/** What a daemon offers to tasks: its labels, and the names by which a task can ask for this one or for its machine. */
export function offersOf(daemon: { name: string; host: string; labels: Labels }): Labels {
  return { ...daemon.labels, name: daemon.name, host: daemon.host };
}

/** Whether all that a task asks is among what a daemon offers. */
export function offers(offered: Labels, asked: Labels): boolean {
  return Object.entries(asked).every(([label, value]) => offered[label] === value);
}

/** `gpu=yes, host=box` */
export function describeLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(", ");
}
