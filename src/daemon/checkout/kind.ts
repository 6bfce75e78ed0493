import type { Git } from "../../platform/git/git.ts";
import type { Head } from "../../platform/git/refs.ts";
import type { Checkout, CheckoutRecord } from "./checkout.ts";

/** Why the repository's branch is not where the checkout's is. */
export type Obstacle =
  | { kind: "diverged" }
  /** The person has the branch in a work tree of their own. */
  | { kind: "checked-out"; at: string };

/** What differs between the kinds of checkouts. Every method may be called again after a crash at any point. */
export interface Kind {
  /**
   * Makes the checkout of the record's branch, which is in the repository; returns its git directory. `topLevel`: a work
   * tree of the repository.
   */
  make(git: Git, dir: string, record: CheckoutRecord, topLevel: string): Promise<string>;

  /** Takes back what a making has left behind, whole or half, so that it can be made again. */
  clear(dir: string, record: CheckoutRecord): Promise<void>;

  /** Removes what the repository, and the directory around, still have of a checkout whose own directory is gone. */
  forget(git: Git, dir: string, record: CheckoutRecord): Promise<void>;

  /** Does work that needs git in the checkout, which an agent may have broken. No agent is at work. */
  withGit<T>(git: Git, checkout: Checkout, work: () => Promise<T>): Promise<T>;

  /** Throws `conflict` when git cannot be used in the checkout. An agent may be at work. */
  requireGit(checkout: Checkout): Promise<void>;

  /** Gives makima's git back the right to write, which an agent may have taken away. No process of the run is left. */
  openUp(checkout: Checkout): Promise<void>;

  /**
   * Brings the task's branch into the repository, and besides it the commits named, with all that they are made of. Null
   * when the branch is there now; an obstacle leaves the repository's branch where it is.
   */
  publish(git: Git, checkout: Checkout, commits: readonly string[]): Promise<Obstacle | null>;

  /**
   * Brings everything that is committed in the checkout into the repository, and returns those of the commits that are on
   * no branch there, nor reachable from one.
   */
  bringLoose(git: Git, checkout: Checkout, head: Head): Promise<string[]>;

  /** What HEAD was at in a checkout whose directory was moved or deleted by hand; null when nobody knows. */
  headOfGone(git: Git, checkout: Checkout): Promise<Head | null>;

  /** Gives the checkout the index that belongs to the commit that HEAD is at. No process of the run is left. */
  installIndex(git: Git, checkout: Checkout, indexFile: string): Promise<void>;
}
