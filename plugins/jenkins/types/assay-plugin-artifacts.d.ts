/// <reference path="./assay-plugin-types.d.ts" />
declare module 'assay:plugin/artifacts@0.1.0' {
  /**
   * Adds to the named file, creating it; returns its size.
   */
  export function append(name: string, mediaType: string, chunk: Uint8Array): number;
  export function digestOf(name: string): Digest;
  /**
   * Reads back what this job wrote, or an input the policy names; at most 1 MiB.
   */
  export function read(name: string, offset: number, length: number): Uint8Array;
  export type Digest = import('assay:plugin/types@0.1.0').Digest;
  export type Error = ErrorQuota | ErrorBadName | ErrorNotFound | ErrorDenied;
  export interface ErrorQuota {
    tag: 'quota',
    val: number,
  }
  export interface ErrorBadName {
    tag: 'bad-name',
  }
  export interface ErrorNotFound {
    tag: 'not-found',
  }
  export interface ErrorDenied {
    tag: 'denied',
    val: string,
  }
}
