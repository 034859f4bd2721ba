// {{name}}: every image of the Snapshot must come from an allowed registry. Replace it with your own task.
import { finding, list, verdict } from './assay.js';
import { log } from 'assay:plugin/logging@0.1.0';
import * as snapshot from 'assay:plugin/snapshot@0.1.0';
const REGISTRY = '{{name}}.registry';
const PARAMS = {
  type: 'object',
  properties: { registries: { type: 'array', items: { type: 'string' }, default: ['registry.example/'] } },
  additionalProperties: false,
};
export const metadata = {
  describe() {
    return {
      name: '{{name}}',
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
/** All components of the Snapshot; one response of the host has at most 500. */
function components() {
  const all = [];
  for (;;) {
    const part = snapshot.components(all.length, 500);
    if (part.length === 0)
      return all;
    all.push(...part);
  }
}
export const customTask = {
  run(ctx) {
    const allowed = list(ctx, 'registries');
    const findings = [];
    let successes = 0;
    for (const { image, name } of components()) {
      if (allowed.some((prefix) => image.startsWith(prefix))) {
        successes += 1;
      }
      else {
        const message = `${image} of the component ${name} is not from an allowed registry`;
        findings.push(finding(REGISTRY, message, { subject: image, terms: [name] }));
      }
    }
    log('info', `${successes} images are from allowed registries, ${findings.length} are not`);
    return verdict(findings.length > 0 ? 'failure' : 'success', {
      successes,
      failures: findings.length,
      note: `${successes} of ${successes + findings.length} images are from allowed registries`,
      findings,
    });
  },
};
