// {{name}}: runs a job of a service over HTTP and collects its result. Replace the paths with those of your service.
//
// The service of this template: `POST /jobs` creates a job, `GET /jobs/ID` returns its status, `GET /jobs/ID/log` its log,
// and `DELETE /jobs/ID` cancels it. Between two calls, no instance of this program exists: all it knows is in `state`.
import { decode, encode, finding, invalid, text, verdict } from './assay.js';
import { download, json, send } from './assay_http.js';
import * as checkpoint from 'assay:plugin/checkpoint@0.1.0';
const PASSED = '{{name}}.passed';
const POLL_MS = 10_000;
const PARAMS = {
  type: 'object',
  properties: { url: { type: 'string' } },
  required: ['url'],
  additionalProperties: false,
};
export const metadata = {
  describe() {
    return {
      name: '{{name}}',
      version: '0.1.0',
      summary: 'Runs a job of a service and reports its result.',
      license: 'Apache-2.0',
      source: '',
      documentation: '',
      params: JSON.stringify(PARAMS),
      permissions: [
        { kind: 'http', name: '{url}', options: [['methods', 'GET,POST,DELETE']], reason: 'the service with the jobs' },
        { kind: 'checkpoint', name: 'job', options: [], reason: 'no job is made twice' },
      ],
      limits: [],
      rules: [{ code: PASSED, title: 'Job must pass', severity: 'high' }],
    };
  },
};
/** The state; begin it with your own version, so that a newer plugin can read it. */
function pack(job, status) {
  return encode(JSON.stringify({ version: 1, job, status }));
}
function unpack(state) {
  const known = JSON.parse(decode(state));
  if (known.version !== 1)
    throw invalid('the state was written by another version of this plugin');
  return known;
}
function address(ctx, job) {
  return `${text(ctx, 'url')}/jobs/${job}`;
}
function waiting(ctx, job, status) {
  return { state: pack(job, status), afterMs: POLL_MS, native: status, url: address(ctx, job) };
}
function noted() {
  const note = checkpoint.get('job');
  return note === null || note === undefined ? null : decode(note);
}
export const remoteJob = {
  submit(ctx) {
    const note = noted();
    if (note !== null)
      return { tag: 'waiting', val: waiting(ctx, note, 'queued') };
    // The service creates one job per key, however many requests there are.
    const made = json('POST', `${text(ctx, 'url')}/jobs`, { body: { key: ctx.key } });
    const job = String(made.id);
    checkpoint.set('job', encode(job));
    return { tag: 'waiting', val: waiting(ctx, job, made.status ?? 'queued') };
  },
  poll(ctx, state) {
    const { job } = unpack(state);
    const { status } = json('GET', address(ctx, job));
    if (status === 'queued' || status === 'running')
      return { tag: 'waiting', val: waiting(ctx, job, status) };
    return { tag: 'ended', val: pack(job, status) };
  },
  collect(ctx, state) {
    const { job, status } = unpack(state);
    const url = address(ctx, job);
    download(`${url}/log`, 'console.log', 'text/plain');
    const passed = status === 'passed';
    const failed = finding(PASSED, `job ${job} ended with the status ${status}`, { subject: url });
    return {
      tag: 'done',
      val: verdict(passed ? 'success' : 'failure', {
        successes: Number(passed),
        failures: Number(!passed),
        note: `job ${job}: ${status}`,
        findings: passed ? [] : [failed],
        links: [['job', url]],
      }),
    };
  },
  cancel(ctx, state, _reason) {
    const job = state === null || state === undefined ? noted() : unpack(state).job;
    if (job === null)
      return { tag: 'canceled' };
    const { status } = send('DELETE', address(ctx, job));
    if (status < 300 || status === 404 || status === 410)
      return { tag: 'canceled' };
    return { tag: 'refused', val: `the service answered ${status}` };
  },
};
