// HTTP through the host, part of the template: every response of a service becomes a value or the right error.
// The manifest requests the hosts, `plugins.toml` grants them. Redirects are responses and are not followed.
import { decode, encode, invalid, retry } from './assay.js';
import * as http from 'assay:plugin/http@0.1.0';
function request(method, url, options) {
  const headers = [...(options.headers ?? [])];
  const auth = options.secret ?? null;
  if (options.body === undefined)
    return { method, url, headers, body: { tag: 'none' }, auth, timeoutMs: null };
  headers.push(['content-type', 'application/json']);
  return { method, url, headers, body: { tag: 'bytes', val: encode(JSON.stringify(options.body)) }, auth, timeoutMs: null };
}
/** Throws unless the response is a success. */
function check(answer, url, secret) {
  const { status } = answer;
  if (status === 401 || status === 403)
    throw { tag: 'auth', val: secret ?? 'none' };
  if (status === 429 || status >= 500) {
    const after = answer.headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1] ?? '';
    throw retry(`${url} answered ${status}`, /^[0-9]+$/.test(after) ? Number(after) * 1000 : null);
  }
  if (status === 404)
    throw { tag: 'lost', val: `${url} does not exist` };
  if (status >= 300)
    throw invalid(`${url} answered ${status}`);
}
function call(url, work) {
  try {
    return work();
  }
  catch (error) {
    // An error of the host is thrown as an exception that has it as `payload`.
    const { tag, val } = error?.payload ?? error;
    if (tag === 'denied')
      throw invalid(`${url} is denied: ${String(val)}`);
    if (tag === 'too-large')
      throw invalid(`the answer of ${url} is too large`);
    if (tag === 'timeout' || tag === 'tls' || tag === 'transport') {
      throw retry(`${url} cannot be reached: ${tag} ${String(val ?? '')}`);
    }
    throw error;
  }
}
/** The response, whatever its status. */
export function send(method, url, options = {}) {
  return call(url, () => http.send(request(method, url, options)));
}
/** The JSON of a successful response. */
export function json(method, url, options = {}) {
  const response = send(method, url, options);
  check(response, url, options.secret);
  try {
    return JSON.parse(decode(response.body));
  }
  catch (error) {
    throw { tag: 'lost', val: `${url} answered something that is not JSON: ${String(error)}` };
  }
}
/** Streams a successful response into an artifact. It never enters the memory of this plugin. */
export function download(url, artifact, mediaType, options = {}) {
  const saved = call(url, () => http.download(request('GET', url, options), artifact, mediaType));
  check(saved, url, options.secret);
  return saved;
}
