// Helpers for assay plugins, part of the template: change them as you like.
import { log } from 'assay:plugin/logging@0.1.0';
function shown(value) {
  if (typeof value === 'string')
    return value;
  if (value instanceof globalThis.Error)
    return `${value}\n${value.stack ?? ''}`;
  try {
    return JSON.stringify(value) ?? String(value);
  }
  catch {
    return String(value);
  }
}
function printer(level) {
  return (...values) => {
    for (const line of values.map(shown).join(' ').trimEnd().split('\n'))
      log(level, line);
  };
}
// QuickJS has no console. What is printed is in the log.
globalThis.console ??= {
  debug: printer('debug'),
  log: printer('info'),
  info: printer('info'),
  warn: printer('warn'),
  error: printer('error'),
};
/** The inputs can never work: throw it, and the call is not retried. */
export function invalid(message) {
  return { tag: 'invalid', val: message };
}
/** Throw it, and the same call is retried later: the network, 429, 5xx. */
export function retry(message, afterMs = null) {
  return { tag: 'transient', val: { message, afterMs } };
}
function value(ctx, name) {
  const found = ctx.params.find((one) => one.name === name);
  if (found === undefined)
    throw invalid(`there is no parameter \`${name}\``);
  return found.value.tag === 'json' ? JSON.parse(found.value.val) : found.value.val;
}
/** A parameter that is a string. The host has checked it and filled in its default. */
export function text(ctx, name) {
  const found = value(ctx, name);
  if (typeof found !== 'string')
    throw invalid(`the parameter \`${name}\` is not a string`);
  return found;
}
/** A parameter that is a list of strings. */
export function list(ctx, name) {
  const found = value(ctx, name);
  if (!Array.isArray(found))
    throw invalid(`the parameter \`${name}\` is not a list`);
  return found.map(String);
}
/** One finding. Its code must be among the rules of the manifest. */
export function finding(code, message, more = {}) {
  return { code, message, outcome: 'failure', severity: 'high', subject: null, terms: [], solution: null, ...more };
}
/** The result of a task or a job. The host counts by itself: a success with failures is an error. */
export function verdict(outcome, more = {}) {
  const empty = { successes: 0, failures: 0, warnings: 0, namespace: null, note: null, timestamp: null };
  return { outcome, ...empty, findings: [], results: [], links: [], ...more };
}
/** A string as the UTF-8 bytes that the host expects; QuickJS has no `TextEncoder`. */
export function encode(string) {
  const escaped = encodeURIComponent(string);
  const bytes = [];
  for (let at = 0; at < escaped.length; at += 1) {
    if (escaped[at] === '%') {
      bytes.push(parseInt(escaped.slice(at + 1, at + 3), 16));
      at += 2;
    }
    else {
      bytes.push(escaped.charCodeAt(at));
    }
  }
  return new Uint8Array(bytes);
}
/** UTF-8 bytes as a string. */
export function decode(bytes) {
  const parts = [];
  for (const byte of bytes)
    parts.push('%' + byte.toString(16).padStart(2, '0'));
  return decodeURIComponent(parts.join(''));
}
