/// <reference path="./assay-plugin-types.d.ts" />
declare module 'assay:plugin/evidence@0.1.0' {
  /**
   * Raw manifest or index bytes; their digest is the image's digest.
   */
  export function manifest(image: string): Uint8Array;
  export function config(image: string): Uint8Array;
  export function layers(image: string): Array<Layer>;
  /**
   * Verified image signatures; empty when the policy demands none.
   */
  export function signatures(image: string): Array<Signer>;
  export function attestations(image: string): Array<Attestation>;
  /**
   * Part of a statement or blob reachable from `image`, digest-checked, at most 1 MiB.
   */
  export function read(image: string, blob: Digest, offset: number, length: number): Uint8Array;
  export type Digest = import('assay:plugin/types@0.1.0').Digest;
  export type Instant = import('assay:plugin/types@0.1.0').Instant;
  export type Error = ErrorNotFound | ErrorDenied | ErrorTooLarge | ErrorUnavailable;
  export interface ErrorNotFound {
    tag: 'not-found',
  }
  export interface ErrorDenied {
    tag: 'denied',
    val: string,
  }
  export interface ErrorTooLarge {
    tag: 'too-large',
    val: number,
  }
  export interface ErrorUnavailable {
    tag: 'unavailable',
    val: string,
  }
  export interface Signer {
    keyId?: string | null,
    identity?: string | null,
    issuer?: string | null,
    signed?: Instant | null,
  }
  export interface Attestation {
    predicateType: string,
    statement: Digest,
    size: number,
    signers: Array<Signer>,
  }
  export interface Layer {
    digest: Digest,
    mediaType: string,
    size: number,
    annotations: Array<[string, string]>,
  }
}
