declare module 'assay:plugin/types@0.1.0' {
  /**
   * Milliseconds since 1970-01-01T00:00:00Z.
   */
  export type Instant = number;
  /**
   * `sha256:` and 64 lower-case hex digits; any other spelling is refused.
   */
  export type Digest = string;
  /**
   * The words of TEST_OUTPUT.result. Rank when joined: error, failure, warning, skipped, success.
   * # Variants
   * 
   * ## `"success"`
   * 
   * ## `"failure"`
   * 
   * ## `"warning"`
   * 
   * ## `"skipped"`
   * 
   * ## `"error"`
   */
  export type Outcome = 'success' | 'failure' | 'warning' | 'skipped' | 'error';
  /**
   * # Variants
   * 
   * ## `"info"`
   * 
   * ## `"low"`
   * 
   * ## `"medium"`
   * 
   * ## `"high"`
   * 
   * ## `"critical"`
   */
  export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';
  /**
   * Konflux knows text and lists of text; anything else travels as JSON.
   */
  export type Value = ValueText | ValueItems | ValueJson;
  export interface ValueText {
    tag: 'text',
    val: string,
  }
  export interface ValueItems {
    tag: 'items',
    val: Array<string>,
  }
  export interface ValueJson {
    tag: 'json',
    val: string,
  }
  export interface Param {
    name: string,
    value: Value,
  }
  export interface Context {
    /**
     * Run, scenario and try (from 1) this call belongs to.
     */
    run: string,
    scenario: string,
    attempt: number,
    /**
     * The engine's job key: the same over every retry and resume. Hand it to
     * third parties as idempotency key or correlation text.
     */
    key: string,
    /**
     * The only clock. Frozen during a call; `check` gets the policy's effective time.
     */
    now: Instant,
    /**
     * Derived from `key` and `attempt`, so a replay draws the same numbers.
     */
    seed: number,
    /**
     * The call is stopped at this moment; plan the work to end before it.
     */
    deadline: Instant,
    /**
     * Already checked against the manifest's schema, defaults filled in.
     */
    params: Array<Param>,
    /**
     * Room to grow without breaking old plugins: `host-version`, `tenant`, `trigger`, ...
     */
    attributes: Array<[string, string]>,
  }
  export interface Finding {
    /**
     * `package.rule`, as Conforma codes are written.
     */
    code: string,
    outcome: Outcome,
    severity: Severity,
    message: string,
    /**
     * Image, file or test the finding is about.
     */
    subject?: string | null,
    /**
     * Conforma terms, for exclusions such as `code:term`.
     */
    terms: Array<string>,
    solution?: string | null,
  }
  /**
   * Becomes TEST_OUTPUT. The host counts `findings` and reported cases itself:
   * a `success` that contradicts them, or does nothing at all, becomes `error`.
   */
  export interface Verdict {
    outcome: Outcome,
    successes: number,
    failures: number,
    warnings: number,
    namespace?: string | null,
    note?: string | null,
    /**
     * `none`: the host's time of completion.
     */
    timestamp?: Instant | null,
    findings: Array<Finding>,
    /**
     * Extra named results, as Tekton results (SCAN_OUTPUT, IMAGES_PROCESSED, ...).
     */
    results: Array<[string, string]>,
    /**
     * Title and URL, shown to people.
     */
    links: Array<[string, string]>,
  }
  export interface Retry {
    message: string,
    afterMs?: number | null,
  }
  /**
   * Why there is no verdict. The engine acts on the case, never on the text.
   */
  export type Error = ErrorInvalid | ErrorTransient | ErrorAuth | ErrorLost | ErrorInternal;
  /**
   * The inputs can never work: no retry.
   */
  export interface ErrorInvalid {
    tag: 'invalid',
    val: string,
  }
  /**
   * Network, 429, 5xx: retried with back-off, not before `after-ms`.
   */
  export interface ErrorTransient {
    tag: 'transient',
    val: Retry,
  }
  /**
   * A credential (named) was refused by the remote side: no retry, tell its owner.
   */
  export interface ErrorAuth {
    tag: 'auth',
    val: string,
  }
  /**
   * The remote side lost the job, or answered nonsense: no retry of this state.
   */
  export interface ErrorLost {
    tag: 'lost',
    val: string,
  }
  export interface ErrorInternal {
    tag: 'internal',
    val: string,
  }
}
