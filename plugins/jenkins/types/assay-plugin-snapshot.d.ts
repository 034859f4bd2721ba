declare module 'assay:plugin/snapshot@0.1.0' {
  export function describe(): Head;
  /**
   * At most 500 in one answer.
   */
  export function components(offset: number, limit: number): Array<Component>;
  /**
   * The SNAPSHOT parameter byte for byte, in parts of at most 1 MiB; empty at the end.
   */
  export function raw(offset: number): Uint8Array;
  export interface Source {
    url: string,
    revision: string,
    path?: string | null,
    dockerfile?: string | null,
  }
  /**
   * `image` is always by digest; `changed`: this component caused the snapshot.
   */
  export interface Component {
    name: string,
    version?: string | null,
    image: string,
    source?: Source | null,
    changed: boolean,
  }
  /**
   * `kind` is `component`, `group` or `override` today.
   */
  export interface Head {
    name: string,
    owner: string,
    kind: string,
    components: number,
    labels: Array<[string, string]>,
    annotations: Array<[string, string]>,
  }
}
