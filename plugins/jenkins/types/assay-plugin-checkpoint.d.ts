declare module 'assay:plugin/checkpoint@0.1.0' {
  export function get(key: string): Uint8Array | null;
  export function set(key: string, value: Uint8Array): void;
  export function keys(): Array<string>;
  export type Error = ErrorQuota | ErrorBadKey;
  export interface ErrorQuota {
    tag: 'quota',
    val: number,
  }
  export interface ErrorBadKey {
    tag: 'bad-key',
  }
}
