// sarif-gate: a report of a static analysis or a scanner must have no findings of a certain level.
//
// The report (SARIF 2.1.0) comes from a URL or from the parameter `report`, and is kept with the run.

import { decode, encode, finding, invalid, list, text, verdict } from './assay.js';
import { download } from './assay_http.js';
import * as artifacts from 'assay:plugin/artifacts@0.1.0';
import { log } from 'assay:plugin/logging@0.1.0';
import type { Manifest } from 'assay:plugin/metadata@0.1.0';
import type { Context, Finding, Severity, Verdict } from 'assay:plugin/types@0.1.0';

const FOUND = 'sarif-gate.found';
const RUNS = 'sarif-gate.runs';

const REPORT = 'report.sarif';

/** Findings about single results; the rest is counted in one more. */
const FINDINGS = 100;

const LEVELS = ['none', 'note', 'warning', 'error'];

const PARAMS = {
  type: 'object',
  properties: {
    url: { type: 'string', default: '', description: 'Where the report is.' },
    report: { type: 'string', default: '', description: 'The report itself, such as a result of an earlier task.' },
    'fail-on': {
      type: 'string',
      enum: ['note', 'warning', 'error'],
      default: 'error',
      description: 'The lowest level that is a failure; what is below is a warning.',
    },
    'min-security-severity': {
      type: 'number',
      default: 0,
      description: 'With a value above 0, a result whose rule has a `security-severity` fails from this score on, whatever its level.',
    },
    'new-only': { type: 'boolean', default: false, description: 'Whether only results of the baseline state `new` count.' },
    'max-findings': { type: 'integer', default: 0, description: 'The most results that are only a warning.' },
    ignore: { type: 'array', items: { type: 'string' }, default: [], description: 'Rules that do not count, by their identifiers.' },
    tools: { type: 'array', items: { type: 'string' }, default: [], description: 'Tools that must have run, by their names.' },
  },
  additionalProperties: false,
};

export const metadata = {
  describe(): Manifest {
    return {
      name: 'sarif-gate',
      version: '0.1.0',
      summary: 'Checks the findings of static analyses and scanners, a report in SARIF.',
      license: 'Apache-2.0',
      source: '',
      documentation: '',
      params: JSON.stringify(PARAMS),
      permissions: [{ kind: 'http', name: '{url}', options: [['methods', 'GET']], reason: 'the report is there' }],
      limits: [['memory-mib', 256]],
      rules: [
        { code: FOUND, title: 'Analyses must find nothing of the level', severity: 'high' },
        { code: RUNS, title: 'The required tools must have run', severity: 'high' },
      ],
    };
  },
};

interface Found {
  rule: string;
  level: string;
  score: number | null;
  message: string;
  place: string;
}

function json(ctx: Context, name: string): unknown {
  const found = ctx.params.find((one) => one.name === name);
  return found?.value.tag === 'json' ? JSON.parse(found.value.val) : undefined;
}

/** Puts the report into an artifact, from where the parameters say. */
function fetchReport(ctx: Context): void {
  const url = text(ctx, 'url');
  const report = text(ctx, 'report');
  if ((url === '') === (report === '')) throw invalid('give either `url` or `report`');
  if (url === '') artifacts.append(REPORT, 'application/sarif+json', encode(report));
  else download(url, REPORT, 'application/sarif+json');
}

function readReport(): any {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const part = artifacts.read(REPORT, size, 1 << 20);
    if (part.length === 0) break;
    parts.push(part);
    size += part.length;
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  try {
    return JSON.parse(decode(bytes));
  } catch (error) {
    throw invalid(`the report is not JSON: ${String(error)}`);
  }
}

function array(value: unknown): any[] {
  return Array.isArray(value) ? value : [];
}

/** The rule of a result, in the driver or an extension of the tool. */
function ruleOf(run: any, result: any): any {
  const components = [run.tool?.driver, ...array(run.tool?.extensions)];
  const id = result.ruleId ?? result.rule?.id;
  const index = result.ruleIndex ?? result.rule?.index;
  const at = array(run.tool?.driver?.rules)[typeof index === 'number' ? index : -1];
  if (at !== undefined && (id === undefined || at.id === id)) return at;
  for (const component of components) {
    const rule = array(component?.rules).find((one) => one?.id === id);
    if (rule !== undefined) return rule;
  }
  return undefined;
}

/** What counts of a run: no passed or open checks, nothing that was suppressed. */
function foundIn(run: any, newOnly: boolean, ignored: string[]): Found[] {
  const found: Found[] = [];
  for (const result of array(run.results)) {
    if ((result.kind ?? 'fail') !== 'fail') continue;
    const suppressions = array(result.suppressions);
    if (suppressions.length > 0 && suppressions.every((one) => (one?.status ?? 'accepted') === 'accepted')) continue;
    if (newOnly && result.baselineState !== 'new') continue;
    if (result.baselineState === 'absent') continue;
    const rule = ruleOf(run, result);
    const id = String(result.ruleId ?? result.rule?.id ?? rule?.id ?? 'unknown');
    if (ignored.includes(id)) continue;
    const level = String(result.level ?? rule?.defaultConfiguration?.level ?? 'warning');
    const score = Number.parseFloat(result.properties?.['security-severity'] ?? rule?.properties?.['security-severity']);
    const location = array(result.locations)[0]?.physicalLocation;
    const line = location?.region?.startLine;
    const uri = location?.artifactLocation?.uri;
    found.push({
      rule: id,
      // A level that is not known counts as the highest: absence is never a pass.
      level: LEVELS.includes(level) ? level : 'error',
      score: Number.isNaN(score) ? null : score,
      message: String(result.message?.text ?? result.message?.markdown ?? rule?.shortDescription?.text ?? id),
      place: uri === undefined ? '' : `${String(uri)}${line === undefined ? '' : `:${String(line)}`}`,
    });
  }
  return found;
}

function severity(found: Found): Severity {
  if (found.score !== null) {
    if (found.score >= 9) return 'critical';
    if (found.score >= 7) return 'high';
    return found.score >= 4 ? 'medium' : 'low';
  }
  return found.level === 'error' ? 'high' : found.level === 'warning' ? 'medium' : 'low';
}

export const customTask = {
  run(ctx: Context): Verdict {
    fetchReport(ctx);
    const report = readReport();
    if (report?.version !== '2.1.0' || !Array.isArray(report.runs)) throw invalid('the report is not SARIF 2.1.0');
    const failOn = LEVELS.indexOf(text(ctx, 'fail-on'));
    const minScore = Number(json(ctx, 'min-security-severity') ?? 0);
    const most = Number(json(ctx, 'max-findings') ?? 0);
    const newOnly = json(ctx, 'new-only') === true;
    const ran: string[] = report.runs.map((run: any) => String(run?.tool?.driver?.name ?? 'unknown'));
    const findings: Finding[] = [];
    if (ran.length === 0) findings.push(finding(RUNS, 'The report has no run of a tool'));
    for (const tool of list(ctx, 'tools')) {
      if (!ran.includes(tool)) findings.push(finding(RUNS, `${tool} did not run`, { terms: [tool] }));
    }
    for (const run of report.runs) {
      const broken = array(run?.invocations).some((one) => one?.executionSuccessful === false);
      const tool = String(run?.tool?.driver?.name ?? 'unknown');
      if (broken) findings.push(finding(RUNS, `${tool} did not end successfully`, { terms: [tool] }));
    }
    const found: Found[] = report.runs.flatMap((run: any) => foundIn(run, newOnly, list(ctx, 'ignore')));
    const fails = (one: Found) =>
      LEVELS.indexOf(one.level) >= failOn || (minScore > 0 && one.score !== null && one.score >= minScore);
    const failing = found.filter(fails);
    const rest = found.filter((one) => !fails(one));
    const outcome = failing.length > most ? 'failure' : 'warning';
    const say = (one: Found, as: 'failure' | 'warning') =>
      finding(FOUND, `${one.rule}${one.place === '' ? '' : ` in ${one.place}`}: ${one.message}`.slice(0, 2000), {
        outcome: as,
        severity: severity(one),
        subject: one.place === '' ? null : one.place,
        terms: [one.rule],
      });
    findings.push(...failing.slice(0, FINDINGS).map((one) => say(one, outcome)));
    findings.push(...rest.slice(0, FINDINGS).map((one) => say(one, 'warning')));
    const more = Math.max(0, failing.length - FINDINGS) + Math.max(0, rest.length - FINDINGS);
    if (more > 0) findings.push(finding(FOUND, `There are ${more} more results`, { outcome: 'warning', severity: 'low' }));
    const failures = findings.filter((one) => one.outcome === 'failure').length;
    const note = `${ran.join(', ') || 'no tool'}: ${found.length} results, ${failing.length} of at least ${text(ctx, 'fail-on')}`;
    log('info', note);
    return verdict(failures > 0 ? 'failure' : findings.length > 0 ? 'warning' : 'success', {
      successes: failures > 0 ? 0 : ran.length,
      failures,
      warnings: findings.length - failures,
      note,
      findings,
      results: [['RESULTS', String(found.length)], ['FAILING', String(failing.length)]],
    });
  },
};
