/// <reference path="./assay-plugin-types.d.ts" />
declare module 'assay:plugin/tests@0.1.0' {
  export function add(cases: Array<TestCase>): void;
  /**
   * Lets the host parse a staged artifact, so that no plugin carries an XML reader.
   * Formats: `junit`, `testing-farm`, `tap`, `sarif`.
   */
  export function ingest(artifact: string, format: string): Counts;
  export type Outcome = import('assay:plugin/types@0.1.0').Outcome;
  export type Error = ErrorQuota | ErrorNotFound | ErrorUnknownFormat | ErrorMalformed;
  export interface ErrorQuota {
    tag: 'quota',
    val: number,
  }
  export interface ErrorNotFound {
    tag: 'not-found',
  }
  export interface ErrorUnknownFormat {
    tag: 'unknown-format',
  }
  export interface ErrorMalformed {
    tag: 'malformed',
    val: string,
  }
  export interface TestCase {
    suite: string,
    name: string,
    outcome: Outcome,
    millis: number,
    message?: string | null,
  }
  export interface Counts {
    successes: number,
    failures: number,
    warnings: number,
    skipped: number,
  }
}
