declare module 'assay:plugin/http@0.1.0' {
  export function send(req: Request): Response;
  /**
   * Streams a 2xx body into an artifact; it never enters guest memory.
   */
  export function download(req: Request, artifact: string, mediaType: string): Saved;
  /**
   * A random word standing for the secret, good for this call only. Put it in a
   * body or query; on the way to a bound host, and there only, it is replaced.
   */
  export function placeholder(name: Credential, form: Form): string;
  /**
   * A name, not a value: holding it gives nothing away. The grant says to which
   * hosts it may travel and in which header.
   */
  export type Credential = string;
  export type Body = BodyNone | BodyBytes | BodyArtifact;
  export interface BodyNone {
    tag: 'none',
  }
  export interface BodyBytes {
    tag: 'bytes',
    val: Uint8Array,
  }
  export interface BodyArtifact {
    tag: 'artifact',
    val: string,
  }
  export interface Request {
    method: string,
    url: string,
    headers: Array<[string, string]>,
    body: Body,
    auth?: Credential | null,
    timeoutMs?: number | null,
  }
  export interface Response {
    status: number,
    headers: Array<[string, string]>,
    body: Uint8Array,
  }
  export interface Saved {
    status: number,
    headers: Array<[string, string]>,
    bytes: number,
  }
  export type Error = ErrorDenied | ErrorTimeout | ErrorTooLarge | ErrorTls | ErrorTransport;
  export interface ErrorDenied {
    tag: 'denied',
    val: string,
  }
  export interface ErrorTimeout {
    tag: 'timeout',
  }
  export interface ErrorTooLarge {
    tag: 'too-large',
    val: number,
  }
  export interface ErrorTls {
    tag: 'tls',
    val: string,
  }
  export interface ErrorTransport {
    tag: 'transport',
    val: string,
  }
  /**
   * # Variants
   * 
   * ## `"raw"`
   * 
   * ## `"json"`
   * 
   * ## `"url"`
   * 
   * ## `"base64"`
   */
  export type Form = 'raw' | 'json' | 'url' | 'base64';
}
