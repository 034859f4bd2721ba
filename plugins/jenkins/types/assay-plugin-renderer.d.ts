/// <reference path="./assay-plugin-types.d.ts" />
declare module 'assay:plugin/renderer@0.1.0' {
  export function render(ctx: Context): Array<string>;
  export type Context = import('assay:plugin/types@0.1.0').Context;
  export type Error = import('assay:plugin/types@0.1.0').Error;
}
