/// <reference path="./assay-plugin-types.d.ts" />
declare module 'assay:plugin/custom-task@0.1.0' {
  export function run(ctx: Context): Verdict;
  export type Context = import('assay:plugin/types@0.1.0').Context;
  export type Verdict = import('assay:plugin/types@0.1.0').Verdict;
  export type Error = import('assay:plugin/types@0.1.0').Error;
}
