// registries: every image of the Snapshot comes from an allowed registry.

import { finding, list, verdict } from './assay.js';
import { log } from 'assay:plugin/logging@0.1.0';
import type { Manifest } from 'assay:plugin/metadata@0.1.0';
import * as snapshot from 'assay:plugin/snapshot@0.1.0';
import type { Context, Finding, Verdict } from 'assay:plugin/types@0.1.0';

const REGISTRY = 'registries.registry';

const PARAMS = {
  type: 'object',
  properties: {
    test: { type: 'string', enum: ['registries'], default: 'registries' },
    registries: { type: 'array', items: { type: 'string' }, default: ['registry.example/'] },
  },
  additionalProperties: false,
};

export const metadata = {
  describe(): Manifest {
    return {
      name: 'registries',
      version: '0.1.0',
      summary: 'Checks that the images of a Snapshot come from allowed registries.',
      license: 'Apache-2.0',
      source: '',
      documentation: '',
      params: JSON.stringify(PARAMS),
      permissions: [],
      limits: [],
      rules: [{ code: REGISTRY, title: 'Image must come from an allowed registry', severity: 'high' }],
    };
  },
};

/** All components of the Snapshot; one answer of the host has 500 at most. */
function components(): snapshot.Component[] {
  const all: snapshot.Component[] = [];
  for (;;) {
    const part = snapshot.components(all.length, 500);
    if (part.length === 0) return all;
    all.push(...part);
  }
}

export const customTask = {
  run(ctx: Context): Verdict {
    const allowed = list(ctx, 'registries');
    const all = components();
    const findings: Finding[] = [];
    for (const { image, name } of all) {
      if (!allowed.some((prefix) => image.startsWith(prefix))) {
        const message = `${image} of the component ${name} is not from an allowed registry`;
        findings.push(finding(REGISTRY, message, { subject: image, terms: [name] }));
      }
    }
    const successes = all.length - findings.length;
    const note = `${successes} of ${all.length} components are as they should be`;
    log('info', note);
    return verdict(findings.length > 0 ? 'failure' : 'success', {
      successes,
      failures: findings.length,
      note,
      findings,
    });
  },
};
