/// <reference path="./assay-plugin-types.d.ts" />
declare module 'assay:plugin/events@0.1.0' {
  /**
   * Events after `number`, at most 500; empty at the end.
   */
  export function after(number: number, limit: number): Array<Event>;
  export type Instant = import('assay:plugin/types@0.1.0').Instant;
  /**
   * `document` is one JSON event of the documented, versioned format.
   */
  export interface Event {
    number: number,
    at: Instant,
    document: string,
  }
}
