// HTTP through the host: every answer of a service becomes a value or the right error.
// The manifest requests the hosts, `plugins.toml` grants them. Redirects are answers and are not followed.

import { decode, encode, invalid, retry } from './assay.js';
import * as http from 'assay:plugin/http@0.1.0';
import type { Request, Response, Saved } from 'assay:plugin/http@0.1.0';

/** As much of what a service says is shown. */
const SHOWN = 300;
/** The time of one request, so that a slow service leaves time to say so. */
const TIMEOUT_MS = 10_000;

export interface Options {
  /** The fields of a form, encoded. */
  form?: string;
  /** The name of a secret, whose value the host puts in. */
  secret?: string;
}

type Answer = { status: number; headers: Array<[string, string]>; body?: Uint8Array };

function request(method: string, url: string, options: Options): Request {
  const auth = options.secret ?? null;
  const common = { method, url, auth, timeoutMs: TIMEOUT_MS };
  if (options.form === undefined) return { ...common, headers: [], body: { tag: 'none' } };
  const headers: Array<[string, string]> = [['content-type', 'application/x-www-form-urlencoded']];
  return { ...common, headers, body: { tag: 'bytes', val: encode(options.form) } };
}

/** The beginning of a text on one line. */
export function shown(value: string): string {
  return value.slice(0, SHOWN).replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').trim();
}

/** A request in messages, without its query. */
export function name(method: string, url: string): string {
  return `${method} ${url.split('?')[0]}`;
}

function says(body: Uint8Array | undefined): string {
  try {
    const said = shown(decode((body ?? new Uint8Array()).slice(0, SHOWN)));
    return said === '' ? '' : `: ${said}`;
  } catch {
    return '';
  }
}

/** Throws for what is no success. `missing` is the error of 404. */
export function check(answer: Answer, method: string, url: string, secret?: string, missing: 'lost' | 'invalid' = 'lost'): void {
  const { status } = answer;
  if (status >= 200 && status < 300) return;
  const fact = `${name(method, url)} answered ${status}${says(answer.body)}`;
  const header = (wanted: string) => answer.headers.find(([one]) => one.toLowerCase() === wanted)?.[1] ?? '';
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const after = header('retry-after');
    const seconds = /^[0-9]+$/.test(after) ? Number(after) : (Date.parse(after) - Date.parse(header('date'))) / 1000;
    throw retry(fact, seconds >= 0 ? Math.round(Math.min(seconds, 86_400) * 1000) : null);
  }
  if (status === 401 || status === 403) throw { tag: 'auth', val: `secret \`${secret ?? 'none'}\`: ${fact}` };
  if (status === 404 || status === 410) throw { tag: missing, val: fact };
  if (status >= 300 && status < 400) {
    throw { tag: 'lost', val: `${fact} with a redirect to \`${shown(header('location').split('?')[0])}\`, which is not followed` };
  }
  throw invalid(fact);
}

function call<T>(method: string, url: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // What the host answers as an error is thrown in an exception that has it as `payload`.
    const { tag, val } = ((error as any)?.payload ?? error) as { tag?: string; val?: unknown };
    const said = `${name(method, url)}: ${String(val ?? '')}`;
    if (tag === 'denied') throw invalid(`denied: ${said}`);
    if (tag === 'too-large') throw invalid(`the answer to ${name(method, url)} is too large`);
    if (tag === 'tls') throw invalid(`no certificate that verifies: ${said}`);
    if (tag === 'timeout') throw retry(`${name(method, url)} was not answered in time`);
    if (tag === 'transport') throw retry(`${said}`);
    throw error;
  }
}

/** The answer, whatever its status. */
export function send(method: string, url: string, options: Options = {}): Response {
  return call(method, url, () => http.send(request(method, url, options)));
}

/** The JSON of an answer, an object. */
export function parse(response: Response, method: string, url: string): any {
  try {
    const value = JSON.parse(decode(response.body));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw { tag: 'lost', val: `${name(method, url)} answered something that is not JSON${says(response.body)}` };
}

/** Streams a successful answer into an artifact. It never enters the memory of this plugin. */
export function download(url: string, artifact: string, mediaType: string, options: Options = {}): Saved {
  const saved = call('GET', url, () => http.download(request('GET', url, options), artifact, mediaType));
  check(saved, 'GET', url, options.secret);
  return saved;
}
