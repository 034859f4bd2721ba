// regression-gate: a measurement must not be worse than earlier ones, by their median and their median absolute deviation.
//
// Both are robust: one slow run of ten changes neither much. The deviation is scaled by 1.4826, so that it estimates the standard
// deviation of values that are distributed normally.

import { finding, invalid, list, text, verdict } from './assay.js';
import { log } from 'assay:plugin/logging@0.1.0';

const WORSE = 'regression-gate.worse';
const HISTORY = 'regression-gate.history';

const SCALE = 1.4826;

const numbers = (description) => ({ type: 'array', items: { type: 'string' }, default: [], description });

const PARAMS = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'value', description: 'What was measured, for messages.' },
    value: { type: 'string', description: 'The measurement, a number.' },
    history: numbers('The measurements of earlier runs, numbers.'),
    'better-is': { type: 'string', enum: ['lower', 'higher'], default: 'lower', description: 'Which values are better.' },
    deviations: { type: 'number', default: 3, description: 'How many deviations from the median are a failure.' },
    'min-percent': {
      type: 'number',
      default: 5,
      description: 'A difference of fewer percent of the median is never a failure: earlier runs may be equal by chance.',
    },
    'min-history': { type: 'integer', default: 5, description: 'With fewer earlier runs the result is a warning.' },
  },
  required: ['value'],
  additionalProperties: false,
};

export const metadata = {
  describe() {
    return {
      name: 'regression-gate',
      version: '0.1.0',
      summary: 'Checks that a measurement is not worse than those of earlier runs.',
      license: 'Apache-2.0',
      source: '',
      documentation: '',
      params: JSON.stringify(PARAMS),
      permissions: [],
      limits: [],
      rules: [
        { code: WORSE, title: 'Measurement must not be worse than earlier ones', severity: 'high' },
        { code: HISTORY, title: 'There must be enough earlier measurements', severity: 'low' },
      ],
    };
  },
};

function number(text, where) {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw invalid(`${where} has \`${text.slice(0, 50)}\`, which is not a number`);
  return value;
}

/** A parameter that is a number. */
function json(ctx, name) {
  return JSON.parse(ctx.params.find((one) => one.name === name).value.val);
}

export function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** A number with four digits that count. */
function shown(value) {
  return String(Number(value.toPrecision(4)));
}

export const customTask = {
  run(ctx) {
    const name = text(ctx, 'name');
    const value = number(text(ctx, 'value'), '`value`');
    const history = list(ctx, 'history').map((one) => number(one, '`history`'));
    const sign = text(ctx, 'better-is') === 'lower' ? 1 : -1;
    const results = [['VALUE', String(value)]];
    if (history.length < json(ctx, 'min-history')) {
      const message = `${name} is ${shown(value)}, and there are ${history.length} earlier values, fewer than the ${json(ctx, 'min-history')} required`;
      const found = finding(HISTORY, message, { outcome: 'warning', severity: 'low' });
      return verdict('warning', { warnings: 1, note: message, findings: [found], results });
    }
    const middle = median(history);
    const deviation = SCALE * median(history.map((one) => Math.abs(one - middle)));
    const worse = sign * (value - middle);
    const limit = Math.max(json(ctx, 'deviations') * deviation, (json(ctx, 'min-percent') / 100) * Math.abs(middle));
    const percent = middle === 0 ? '' : ` (${shown((worse / Math.abs(middle)) * 100)} % worse)`;
    const note = `${name} is ${shown(value)}; the median of ${history.length} earlier values is ${shown(middle)}, the deviation ${shown(deviation)}`;
    log('info', note);
    results.push(['MEDIAN', String(middle)], ['DEVIATION', String(deviation)]);
    if (worse <= limit) return verdict('success', { successes: 1, note, results });
    const found = finding(WORSE, `${note}${percent}`, { terms: [name] });
    return verdict('failure', { failures: 1, note, findings: [found], results });
  },
};
