// {{name}}: writes a page about a run. Replace it with your own report.

import { encode, text } from './assay.js';
import * as artifacts from 'assay:plugin/artifacts@0.1.0';
import * as events from 'assay:plugin/events@0.1.0';
import { log } from 'assay:plugin/logging@0.1.0';
import type { Manifest } from 'assay:plugin/metadata@0.1.0';
import type { Context } from 'assay:plugin/types@0.1.0';

const PARAMS = {
  type: 'object',
  properties: { title: { type: 'string', default: 'Run' } },
  additionalProperties: false,
};

export const metadata = {
  describe(): Manifest {
    return {
      name: '{{name}}',
      version: '0.1.0',
      summary: 'Writes a page about a run.',
      license: 'Apache-2.0',
      source: '',
      documentation: '',
      params: JSON.stringify(PARAMS),
      permissions: [],
      limits: [],
      rules: [],
    };
  },
};

function write(line: string): void {
  artifacts.append('report.md', 'text/markdown', encode(`${line}\n`));
}

export const renderer = {
  render(ctx: Context): string[] {
    write(`# ${text(ctx, 'title')}\n`);
    let last = 0;
    let count = 0;
    for (;;) {
      // One response of the host has at most 500 events.
      const part = events.after(last, 500);
      if (part.length === 0) break;
      for (const event of part) {
        write(`- ${event.number}: \`${event.document}\``);
        last = event.number;
        count += 1;
      }
    }
    log('info', `${count} events`);
    return ['report.md'];
  },
};
