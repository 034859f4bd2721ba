// jenkins: runs a build of a job of Jenkins, and collects its log, test report and artifacts.
//
// A build is requested with the key as a parameter; the queue item leads to it. An item vanishes some minutes after it left the
// queue: then the build is found by the item's ID or by the key.

import { decode, encode, finding, integer, invalid, list, optional, pairs, retry, text, verdict } from './assay.js';
import { check, download, name, parse, send, shown } from './assay_http.js';
import * as artifacts from 'assay:plugin/artifacts@0.1.0';
import * as checkpoint from 'assay:plugin/checkpoint@0.1.0';
import * as logging from 'assay:plugin/logging@0.1.0';
import * as snapshot from 'assay:plugin/snapshot@0.1.0';
import * as tests from 'assay:plugin/tests@0.1.0';
import type { Manifest } from 'assay:plugin/metadata@0.1.0';
import type { Cancellation, Collected, State, Status } from 'assay:plugin/remote-job@0.1.0';
import type { Context, Outcome } from 'assay:plugin/types@0.1.0';

const PASSED = 'jenkins.passed';
const MINUTE = 60_000;
/** Test cases that are handed on at once, and at most. */
const CASES = [5_000, 50_000];
/** Parts of the log that one call reads. */
const LOG_PARTS = 8;
/** Builds that are looked at for the key. */
const RECENT = 100;
/** Artifacts that are kept. */
const ARTIFACTS = 20;

const PARAMS = {
  type: 'object',
  properties: {
    url: { type: 'string', description: 'where Jenkins is' },
    job: { type: 'string', description: 'the job, with its folders: a/b' },
    params: { type: 'array', items: { type: 'string' }, description: 'NAME=VALUE' },
    'snapshot-param': { type: 'string', description: 'the parameter that takes the Snapshot' },
    'key-param': { type: 'string', description: 'the parameter that takes the key', default: 'ASSAY_KEY' },
    unstable: { type: 'string', enum: ['warning', 'failure'], default: 'warning' },
    'queue-minutes': { type: 'integer', description: 'how long it may be queued', default: 60 },
    'poll-seconds': { type: 'integer', default: 10 },
  },
  required: ['url', 'job'],
  additionalProperties: false,
};

export const metadata = {
  describe(): Manifest {
    return {
      name: 'jenkins',
      version: '0.1.0',
      summary: 'Runs a build of a job of Jenkins.',
      license: 'Apache-2.0',
      source: '',
      documentation: 'https://www.jenkins.io/doc/book/using/remote-access-api/',
      params: JSON.stringify(PARAMS),
      permissions: [
        { kind: 'http', name: '{url}', options: [['methods', 'GET,POST']], reason: 'requests, watches and stops builds' },
        { kind: 'secret', name: 'jenkins', options: [['host', '{url}']], reason: 'USER:TOKEN of an account that may build the job' },
        { kind: 'checkpoint', name: 'job', options: [], reason: 'no build is requested twice' },
      ],
      limits: [],
      rules: [{ code: PASSED, title: 'The build must pass', severity: 'high' }],
    };
  },
};

interface Work {
  version: 1;
  /** The item in the queue; 0 if it is not known. */
  queue: number;
  /** The number of the build; 0 while it is queued. */
  build: number;
  native: string;
  since: number;
  log: number;
  cancels: number;
}

const secret = { secret: 'jenkins' };

function base(ctx: Context): string {
  return text(ctx, 'url').replace(/\/+$/, '');
}

function jobUrl(ctx: Context): string {
  const parts = text(ctx, 'job').split('/').filter((part) => part !== '');
  if (parts.length === 0 || parts.includes('..')) throw invalid('the parameter `job` is not a path of folders and a job');
  return base(ctx) + parts.map((part) => `/job/${encodeURIComponent(part)}`).join('');
}

function buildUrl(ctx: Context, work: Work): string {
  return work.build > 0 ? `${jobUrl(ctx)}/${work.build}` : `${jobUrl(ctx)}`;
}

function pack(work: Work): State {
  return encode(JSON.stringify(work));
}

function unpack(state: State): Work {
  const work = JSON.parse(decode(state));
  if (work.version !== 1) throw invalid('the state was written by another version of this plugin');
  return work;
}

function note(work: Work): void {
  checkpoint.set('work', pack(work));
  checkpoint.set('job', encode(work.build > 0 ? `build ${work.build}` : `queue item ${work.queue}`));
}

function noted(): Work | null {
  const found = checkpoint.get('work');
  return found === null || found === undefined ? null : unpack(found);
}

function waiting(ctx: Context, work: Work, afterMs?: number): Status {
  const seconds = integer(ctx, 'poll-seconds');
  if (seconds < 1) throw invalid('the parameter `poll-seconds` is below 1');
  // Up to a fifth more, so that jobs do not come together.
  const after = afterMs ?? seconds * 1000 + (ctx.seed % (seconds * 200));
  return { tag: 'waiting', val: { state: pack(work), afterMs: after, native: work.native, url: `${buildUrl(ctx, work)}/` } };
}

/** JSON of a place that must be there. */
function json(url: string): any {
  const response = send('GET', url, secret);
  check(response, 'GET', url, 'jenkins');
  return parse(response, 'GET', url);
}

function hasKey(ctx: Context, actions: any): boolean {
  const wanted = text(ctx, 'key-param');
  return (Array.isArray(actions) ? actions : []).some((action) =>
    (action?.parameters ?? []).some((parameter: any) => parameter?.name === wanted && parameter?.value === ctx.key),
  );
}

/** The build or queue item that was requested under the key. */
function find(ctx: Context, queue = 0): Work | null {
  const fresh: Work = { version: 1, queue, build: 0, native: 'queued', since: ctx.now, log: 0, cancels: 0 };
  const items = json(`${base(ctx)}/queue/api/json?tree=items[id,why,actions[parameters[name,value]]]`).items ?? [];
  const item = items.find((one: any) => hasKey(ctx, one.actions));
  if (item !== undefined) return { ...fresh, queue: Number(item.id) };
  const tree = `builds[number,queueId,result,building,actions[parameters[name,value]]]{0,${RECENT}}`;
  const builds = json(`${jobUrl(ctx)}/api/json?tree=${encodeURIComponent(tree)}`).builds ?? [];
  const build = builds.find((one: any) => (queue > 0 && one.queueId === queue) || hasKey(ctx, one.actions));
  if (build === undefined) return null;
  return { ...fresh, build: Number(build.number), queue: Number(build.queueId ?? queue), native: 'building' };
}

/** The Snapshot as it was given. */
function wholeSnapshot(): string {
  let whole = '';
  for (let offset = 0; ; ) {
    const part = snapshot.raw(offset);
    if (part.length === 0) return whole;
    whole += decode(part);
    offset += part.length;
  }
}

function start(ctx: Context): Work {
  const values = pairs(ctx, 'params');
  values.push([text(ctx, 'key-param'), ctx.key]);
  const param = optional(ctx, 'snapshot-param');
  if (param !== null) values.push([param, wholeSnapshot()]);
  const form = values.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&');
  const url = `${jobUrl(ctx)}/buildWithParameters`;
  const response = send('POST', url, { ...secret, form });
  // Jenkins answers where the item is; 303 if one with the same parameters was queued before.
  if (response.status !== 303) check(response, 'POST', url, 'jenkins', 'invalid');
  const place = response.headers.find(([header]) => header.toLowerCase() === 'location')?.[1] ?? '';
  const match = /\/queue\/item\/([0-9]{1,15})\/?$/.exec(place);
  if (match === null) throw { tag: 'lost', val: `${name('POST', url)} answered without a queue item: \`${shown(place)}\`` };
  return { version: 1, queue: Number(match[1]), build: 0, native: 'queued', since: ctx.now, log: 0, cancels: 0 };
}

/** Asks how the job stands; true if it has ended. */
function look(ctx: Context, work: Work): boolean {
  if (work.build === 0) {
    const url = `${base(ctx)}/queue/item/${work.queue}/api/json`;
    const response = send('GET', url, secret);
    if (response.status === 404) {
      // It left the queue some minutes ago.
      const found = find(ctx, work.queue);
      if (found === null || found.build === 0) {
        throw { tag: 'lost', val: `${name('GET', url)} answered 404, and no build of the queue item ${work.queue} is there` };
      }
      work.build = found.build;
    } else {
      check(response, 'GET', url, 'jenkins');
      const item = parse(response, 'GET', url);
      if (item.id !== work.queue) throw { tag: 'lost', val: `${name('GET', url)} answered with something else: ${shown(JSON.stringify(item))}` };
      if (item.cancelled === true) {
        work.native = 'CANCELLED in the queue';
        return true;
      }
      if (item.executable?.number === undefined || item.executable?.number === null) {
        work.native = `queued: ${shown(String(item.why ?? 'no reason given'))}`;
        return ctx.now - work.since >= integer(ctx, 'queue-minutes') * MINUTE;
      }
      work.build = Number(item.executable.number);
    }
    note(work);
    work.native = 'building';
    return false;
  }
  const url = `${buildUrl(ctx, work)}/api/json?tree=number,building,result`;
  const build = json(url);
  if (build.number !== work.build) throw { tag: 'lost', val: `${name('GET', url)} answered with something else: ${shown(JSON.stringify(build))}` };
  work.native = String(build.result ?? 'building');
  return build.building !== true && typeof build.result === 'string';
}

/** Passes on what the log has got since the last time. */
function follow(ctx: Context, work: Work, keep: boolean): void {
  for (let part = 0; part < LOG_PARTS; part += 1) {
    const url = `${buildUrl(ctx, work)}/logText/progressiveText?start=${work.log}`;
    const response = send('GET', url, secret);
    if (keep && response.status !== 404) check(response, 'GET', url, 'jenkins');
    if (response.status !== 200) return;
    if (response.body.length > 0) {
      logging.remoteOutput(response.body);
      if (keep) artifacts.append('console.log', 'text/plain', response.body);
    }
    const header = (wanted: string) => response.headers.find(([one]) => one.toLowerCase() === wanted)?.[1];
    const size = Number(header('x-text-size'));
    const next = Number.isSafeInteger(size) && size > work.log ? size : work.log + response.body.length;
    if (next === work.log || header('x-more-data') !== 'true') {
      work.log = next;
      return;
    }
    work.log = next;
  }
}

function outcomeOf(ctx: Context, native: string): Outcome {
  switch (native) {
    case 'SUCCESS':
      return 'success';
    case 'UNSTABLE':
      return text(ctx, 'unstable') === 'failure' ? 'failure' : 'warning';
    case 'FAILURE':
      return 'failure';
    default:
      return 'error';
  }
}

/** The cases of the test report; null if there is none. */
function cases(ctx: Context, work: Work, warnings: string[]): { failed: number; passed: number } | null {
  const url = `${buildUrl(ctx, work)}/testReport/api/json?tree=suites[name,cases[className,name,status,duration]]`;
  const response = send('GET', url, secret);
  if (response.status === 404) {
    warnings.push('the build has no test report');
    return null;
  }
  check(response, 'GET', url, 'jenkins');
  const report = parse(response, 'GET', url);
  const found: tests.TestCase[] = [];
  for (const suite of report.suites ?? []) {
    for (const one of suite.cases ?? []) {
      if (found.length === CASES[1]) break;
      const words: Record<string, Outcome> = { PASSED: 'success', FIXED: 'success', SKIPPED: 'skipped' };
      const outcome = words[String(one.status)] ?? 'failure';
      const millis = Math.max(0, Math.min(1e12, Math.round(Number(one.duration ?? 0) * 1000))) || 0;
      found.push({ suite: String(one.className ?? suite.name ?? ''), name: String(one.name ?? ''), outcome, millis, message: null });
    }
  }
  if (found.length === CASES[1]) warnings.push(`only the first ${CASES[1]} cases of the test report were kept`);
  for (let at = 0; at < found.length; at += CASES[0]) tests.add(found.slice(at, at + CASES[0]));
  const failed = found.filter((one) => one.outcome === 'failure').length;
  return { failed, passed: found.filter((one) => one.outcome === 'success').length };
}

function collectArtifacts(ctx: Context, work: Work, warnings: string[]): void {
  const listed = json(`${buildUrl(ctx, work)}/api/json?tree=artifacts[relativePath]`).artifacts ?? [];
  if (listed.length > ARTIFACTS) warnings.push(`only the first ${ARTIFACTS} of ${listed.length} artifacts were kept`);
  for (const one of listed.slice(0, ARTIFACTS)) {
    const path = String(one.relativePath ?? '');
    const parts = path.split('/');
    if (parts.some((part) => part === '' || part === '.' || part === '..')) continue;
    const url = `${buildUrl(ctx, work)}/artifact/${parts.map(encodeURIComponent).join('/')}`;
    try {
      download(url, `artifacts/${path.replace(/[^A-Za-z0-9._/-]/g, '_')}`, 'application/octet-stream', secret);
    } catch (error: any) {
      if (error?.tag === 'transient' || error?.tag === 'auth') throw error;
      warnings.push(`the artifact ${shown(path)} was not collected`);
    }
  }
}

export const remoteJob = {
  submit(ctx: Context): Status {
    const known = noted();
    if (known !== null) return waiting(ctx, known);
    let work = ctx.attempt > 1 ? find(ctx) : null;
    work ??= start(ctx);
    note(work);
    return waiting(ctx, work);
  },

  poll(ctx: Context, state: State): Status {
    const work = unpack(state);
    if (look(ctx, work)) return { tag: 'ended', val: pack(work) };
    if (work.build > 0) {
      try {
        follow(ctx, work, false);
      } catch {
        // The log is fetched again when the build has ended.
      }
    }
    return waiting(ctx, work);
  },

  collect(ctx: Context, state: State): Collected {
    const work = unpack(state);
    const warnings: string[] = [];
    let counts: { failed: number; passed: number } | null = null;
    const wasQueued = work.build === 0;
    if (!wasQueued) {
      follow(ctx, { ...work, log: 0 }, true);
      counts = cases(ctx, work, warnings);
      collectArtifacts(ctx, work, warnings);
    } else if (work.native.startsWith('queued')) {
      warnings.push(`it was in the queue for ${integer(ctx, 'queue-minutes')} minutes`);
      const url = `${base(ctx)}/queue/cancelItem?id=${work.queue}`;
      send('POST', url, secret);
    }
    let outcome = outcomeOf(ctx, work.native);
    if (outcome === 'success' && (counts?.failed ?? 0) > 0) {
      outcome = 'failure';
      warnings.push('Jenkins says SUCCESS, and its test report has failures');
    }
    const isGood = outcome === 'success' || outcome === 'skipped';
    const message = wasQueued ? `the queue item ${work.queue} ended as \`${work.native}\`` : `build ${work.build} ended as \`${work.native}\``;
    const url = `${buildUrl(ctx, work)}/`;
    return {
      tag: 'done',
      val: verdict(outcome, {
        successes: counts?.passed ?? Number(isGood),
        failures: outcome === 'failure' ? Math.max(counts?.failed ?? 0, 1) : 0,
        warnings: outcome === 'warning' ? Math.max(counts?.failed ?? 0, 1) : 0,
        note: [`Jenkins: ${work.native}`, ...warnings].join('; ').slice(0, 1500),
        findings: isGood ? [] : [finding(PASSED, message, { outcome, subject: url })],
        links: [['build', url]],
        results: wasQueued ? [] : [['BUILD_NUMBER', String(work.build)]],
      }),
    };
  },

  cancel(ctx: Context, state: State | null, _reason: string): Cancellation {
    const work = state === null || state === undefined ? (noted() ?? find(ctx)) : unpack(state);
    if (work === null) return { tag: 'canceled' };
    if (work.cancels > 0 || work.build === 0) {
      try {
        if (look(ctx, work)) return { tag: 'canceled' };
      } catch (error: any) {
        if (error?.tag === 'lost') return { tag: 'canceled' };
        throw error;
      }
    }
    const verb = work.cancels < 5 ? 'stop' : work.cancels < 10 ? 'term' : 'kill';
    const url = work.build === 0 ? `${base(ctx)}/queue/cancelItem?id=${work.queue}` : `${buildUrl(ctx, work)}/${verb}`;
    const response = send('POST', url, secret);
    if (response.status === 403) return { tag: 'refused', val: `${name('POST', url)} answered 403` };
    if (response.status >= 400 && response.status !== 404) check(response, 'POST', url, 'jenkins');
    work.cancels += 1;
    const next = waiting(ctx, work, 2_000);
    return next.tag === 'waiting' ? { tag: 'pending', val: next.val } : { tag: 'canceled' };
  },
};
