declare module 'assay:plugin/logging@0.1.0' {
  export function log(level: Level, message: string): void;
  /**
   * Replaces the previous progress of this job.
   */
  export function progress(done: number, total: number | null, text: string): void;
  /**
   * Raw output of a remote job, kept apart from the plugin's own words.
   */
  export function remoteOutput(chunk: Uint8Array): void;
  /**
   * # Variants
   * 
   * ## `"debug"`
   * 
   * ## `"info"`
   * 
   * ## `"warn"`
   * 
   * ## `"error"`
   */
  export type Level = 'debug' | 'info' | 'warn' | 'error';
}
