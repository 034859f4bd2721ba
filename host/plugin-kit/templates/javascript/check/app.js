// {{name}}: an image must have an attestation of a certain type. Replace it with your own check.
import { finding, text } from './assay.js';
import { attestations } from 'assay:plugin/evidence@0.1.0';
import { log } from 'assay:plugin/logging@0.1.0';
const ATTESTED = '{{name}}.attested';
const PARAMS = {
  type: 'object',
  properties: { type: { type: 'string', default: 'https://slsa.dev/provenance/v1' } },
  additionalProperties: false,
};
export const metadata = {
  describe() {
    return {
      name: '{{name}}',
      version: '0.1.0',
      summary: 'Checks that an image has an attestation of a certain type.',
      license: 'Apache-2.0',
      source: '',
      documentation: '',
      params: JSON.stringify(PARAMS),
      permissions: [{ kind: 'evidence', name: 'attestations', options: [], reason: 'they are what is checked' }],
      limits: [],
      rules: [{ code: ATTESTED, title: 'Image must have the attestation', severity: 'high' }],
    };
  },
};
export const imageCheck = {
  evaluate(ctx, image) {
    const wanted = text(ctx, 'type');
    const found = attestations(image).map((attestation) => attestation.predicateType);
    log('info', `${image} has ${found.length} attestations`);
    if (found.includes(wanted))
      return [];
    const solution = 'Build the image with a pipeline that makes the attestation.';
    return [finding(ATTESTED, `${image} has no attestation of the type ${wanted}`, { subject: image, solution })];
  },
};
