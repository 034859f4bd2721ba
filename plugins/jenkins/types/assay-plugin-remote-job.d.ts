/// <reference path="./assay-plugin-types.d.ts" />
declare module 'assay:plugin/remote-job@0.1.0' {
  /**
   * Starts the job, or finds the one started under `ctx.key` before a crash.
   */
  export function submit(ctx: Context): Status;
  export function poll(ctx: Context, state: State): Status;
  /**
   * Fetches logs and artifacts, a bounded part for each call.
   */
  export function collect(ctx: Context, state: State): Collected;
  /**
   * May be called at any time, with `none` when no state was ever stored.
   */
  export function cancel(ctx: Context, state: State | null, reason: string): Cancellation;
  export type Context = import('assay:plugin/types@0.1.0').Context;
  export type Verdict = import('assay:plugin/types@0.1.0').Verdict;
  export type Error = import('assay:plugin/types@0.1.0').Error;
  /**
   * Opaque to the host; begin it with a version of your own.
   */
  export type State = Uint8Array;
  export interface Waiting {
    state: State,
    afterMs: number,
    native: string,
    url?: string | null,
  }
  /**
   * `waiting`: ask again, not sooner than `after-ms`. `ended` (in any way): call `collect`.
   */
  export type Status = StatusWaiting | StatusEnded;
  export interface StatusWaiting {
    tag: 'waiting',
    val: Waiting,
  }
  export interface StatusEnded {
    tag: 'ended',
    val: State,
  }
  export type Collected = CollectedMore | CollectedDone;
  export interface CollectedMore {
    tag: 'more',
    val: State,
  }
  export interface CollectedDone {
    tag: 'done',
    val: Verdict,
  }
  export type Cancellation = CancellationCanceled | CancellationPending | CancellationRefused;
  export interface CancellationCanceled {
    tag: 'canceled',
  }
  export interface CancellationPending {
    tag: 'pending',
    val: Waiting,
  }
  export interface CancellationRefused {
    tag: 'refused',
    val: string,
  }
}
