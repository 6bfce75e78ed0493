import { shortId } from "./ids.ts";
import { escapeForTerminal, fileSize, stripAnsi } from "./text.ts";

/** What a notification says. Plain text: whoever shows it escapes it for where it is shown. */
export interface Wording {
  title: string;
  body: string;
}

/** `what`: the task, or the contract, whose branch was to be merged. */
interface MergeWords {
  what: string;
  into: string;
}

/** `bytes`, `quota`: what its checkouts take together, and what they should not pass. */
interface FullDaemon {
  id: string;
  name: string;
  host: string;
  bytes: number;
  quota: number;
}

/** A file that two sides have changed; `kind` is git's word for how. */
interface Conflicting {
  path: string;
  kind: string;
}

/** How one attempt at a delivery ended. `retry`: another one may fare better; `failed`: none will. */
export type AttemptResult = "delivered" | "retry" | "failed";

/**
 * The words of each kind. Names and reasons come from people and agents: they are stripped of what only terminals
 * understand, and cut.
 */
export const WORDING = {
  taskFinished: ({ task, reason, branch }: { task: string; reason: string; branch: string }): Wording =>
    wording(`Finished: ${task}`, [reason, `Its work is on the branch ${branch}.`]),

  taskFailed: ({ task, reason, hint }: { task: string; reason: string; hint: string | null }): Wording =>
    wording(`Failed: ${task}`, hint === null ? [reason] : [reason, hint]),

  breakerOpen: ({ task, reason }: { task: string; reason: string }): Wording =>
    wording(`Stopped: ${task}`, [reason, "Its worktree is kept; `makima resume` gives it one more try."]),

  questionAsked: ({ task, text, choices }: { task: string; text: string; choices: readonly string[] }): Wording =>
    wording(`Question: ${task}`, [text, ...choices.map((choice) => `- ${choice}`)]),

  usageLimitReached: ({ task, reason, until }: { task: string; reason: string; until: number }): Wording =>
    wording(`Usage limit reached: ${task}`, [reason, `It goes on at ${utcTime(until)}.`]),

  usageLimitOver: ({ task }: { task: string }): Wording => wording(`Usage limit over: ${task}`, ["The task goes on."]),

  daemonLost: ({ name, host, since }: { name: string; host: string; since: number }): Wording =>
    wording(`Daemon lost: ${name}`, [`Not heard of since ${utcTime(since)}, on ${host}. Others take over its tasks.`]),

  worktreesFull: ({ id, name, host, bytes, quota }: FullDaemon): Wording =>
    wording(`Worktrees full: ${name}`, [
      `The worktrees on ${host} take ${fileSize(bytes)}, of a quota of ${fileSize(quota)}.`,
      `\`makima worktree clean --daemon ${shortId(id)}\` removes those that nobody needs; ` +
        "the others go when their contracts are completed or deleted.",
    ]),

  mergeConflict: ({ what, into, conflicts }: MergeWords & { conflicts: readonly Conflicting[] }): Wording =>
    wording(`Merge conflict: ${what}`, [
      `It could not be merged into ${into}:`,
      ...conflicts.slice(0, MAX_CONFLICTS).map(({ path, kind }) => `- ${path} (${kind})`),
      ...(conflicts.length > MAX_CONFLICTS ? [`and ${conflicts.length - MAX_CONFLICTS} more`] : []),
    ]),

  mergeFailed: ({ what, into, reason }: MergeWords & { reason: string }): Wording =>
    wording(`Merge failed: ${what}`, [`It was not merged into ${into}.`, reason]),

  budgetSpent: ({ contract, costUsd, budgetUsd }: { contract: string; costUsd: number; budgetUsd: number }): Wording =>
    wording(`Budget spent: ${contract}`, [
      `Its tasks have cost $${costUsd.toFixed(2)}, of a budget of $${budgetUsd.toFixed(2)}: the contract is paused.`,
      "`makima contract update --budget` gives it more; `makima contract resume` goes on then.",
    ]),

  contractDone: ({ contract, report }: { contract: string; report: string }): Wording =>
    wording(`Contract done: ${contract}`, [`What was done stands in its file \`${report}\`.`]),
};

/** Files that a notification names: who sets about resolving them asks git for the others. */
const MAX_CONFLICTS = 10;

/** The beginning of `text` in one line of plain text, at most `max` UTF-16 units; a cut is marked and splits no character. */
export function oneLine(text: string, max: number): string {
  return shorten(plain(text.slice(0, RAW * max).replaceAll(/\s+/g, " ")).trim(), max);
}

/** What an HTTP status says of a delivery: 410 is how a receiver says that it wants no more. */
export function resultOfStatus(status: number): AttemptResult {
  if (status >= 200 && status <= 299) return "delivered";
  return status === 410 ? "failed" : "retry";
}

/**
 * When a delivery that could not be made is tried again (epoch ms): after 5 s, doubling up to 1 h, each wait shortened by
 * up to half, so that what failed together does not come back together. null: for a day it was tried in vain.
 * @param attempts made so far, at least 1
 * @param random in [0, 1)
 */
export function retryAt(attempts: number, createdAt: number, now: number, random: number): number | null {
  const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempts - 1, 30));
  const at = Math.round(now + wait * (1 - random / 2));
  return at > createdAt + GIVE_UP_AFTER ? null : at;
}

const SECOND = 1000;
const HOUR = 60 * 60 * SECOND;
const FIRST_WAIT = 5 * SECOND;
const LONGEST_WAIT = HOUR;
/** A receiver that broke down in the evening is mended the next morning. */
export const GIVE_UP_AFTER = 24 * HOUR;

/** A title fits the first line of a desktop's message; a body says what to look at, not all there is to see. */
const MAX_TITLE = 200;
const MAX_BODY = 2_000;
/** How much more is read than kept, for the escape sequences in it: the cost is bounded whatever an agent wrote. */
const RAW = 4;

function wording(title: string, lines: readonly string[]): Wording {
  const texts = lines.map((text) => plain(text.slice(0, RAW * MAX_BODY)).trim());
  return { title: oneLine(title, MAX_TITLE), body: shorten(texts.join("\n"), MAX_BODY) };
}

function plain(text: string): string {
  return escapeForTerminal(stripAnsi(text), { keepNewlines: true }).toWellFormed();
}

function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 2);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, splitsPair ? max - 2 : max - 1)}…`;
}

/** Epoch ms as people read it wherever they are. */
export function utcTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
