/// <reference path="./assay-plugin-types.d.ts" />
declare module 'assay:plugin/metadata@0.1.0' {
  export function describe(): Manifest;
  export type Severity = import('assay:plugin/types@0.1.0').Severity;
  /**
   * `kind`: `http` (name = `host`, `host:port`, `*.host` or `{param}`; option `methods`),
   * `secret` (name; options `host`, `in-body`), `evidence`, `checkpoint`, `clock`, `random`.
   */
  export interface Permission {
    kind: string,
    name: string,
    options: Array<[string, string]>,
    reason: string,
  }
  export interface Rule {
    code: string,
    title: string,
    severity: Severity,
  }
  export interface Manifest {
    /**
     * `name` is lower-case `a-z0-9-`; `version` is SemVer.
     */
    name: string,
    version: string,
    summary: string,
    license: string,
    source: string,
    documentation: string,
    /**
     * JSON Schema 2020-12 of the parameters, an object without `$ref` to the outside.
     */
    params: string,
    permissions: Array<Permission>,
    /**
     * `memory-mib`, `cpu-ms`, `call-ms`, `artifact-mib`, `state-kib`; missing = the default.
     */
    limits: Array<[string, number]>,
    /**
     * Every code a finding may carry; others are refused.
     */
    rules: Array<Rule>,
  }
}
