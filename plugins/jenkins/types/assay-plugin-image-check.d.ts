/// <reference path="./assay-plugin-types.d.ts" />
declare module 'assay:plugin/image-check@0.1.0' {
  export function evaluate(ctx: Context, image: string): Array<Finding>;
  export type Context = import('assay:plugin/types@0.1.0').Context;
  export type Finding = import('assay:plugin/types@0.1.0').Finding;
  export type Error = import('assay:plugin/types@0.1.0').Error;
}
