// Drives a double of Testing Farm with the npm module `testing-farm`, whose schemas read every answer.
// The first argument is where it listens, the second whether answers are expected to be refused.
import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';

// The module is written for bundlers: its imports have no extensions, which Node.js alone does not find.
const extensions = `export async function resolve(name, context, next) {
  try {
    return await next(name, context);
  } catch (error) {
    if (!name.startsWith('.')) throw error;
    return next(name + '.js', context);
  }
}`;
register(`data:text/javascript,${encodeURIComponent(extensions)}`);
const place = createRequire(import.meta.url).resolve('testing-farm');
const { default: TestingFarmAPI } = await import(pathToFileURL(place));

async function main() {
  const [base, expected] = process.argv.slice(2);
  const api = new TestingFarmAPI(`${base}/v0.1`, 'token');
  const made = await api.newRequest(
    {
      test: { fmf: { url: 'https://git.example/tests', ref: 'main', name: '/plans/all' } },
      environments: [{ arch: 'x86_64', os: { compose: 'Fedora-Rawhide' }, tmt: { context: { assay_key: 'npm' } } }],
    },
    true,
  );
  let details = await api.requestDetails(made.id, true);
  for (let polls = 0; details.state !== 'complete' && polls < 10; polls += 1) details = await api.requestDetails(made.id, true);
  if (details.state !== 'complete' || details.result.overall !== 'passed') throw new Error(JSON.stringify(details));
  const other = await api.newRequest({ test: { fmf: { url: 'https://git.example/tests', ref: 'main' } }, environments: [{ arch: 'x86_64' }] }, true);
  const canceled = await api.cancelRequest(other.id, {}, true);
  if (canceled.id !== other.id) throw new Error(JSON.stringify(canceled));
  const all = await api.requests({ user_id: details.user_id }, true);
  if (all.length !== 2) throw new Error(`${all.length} requests`);
  await api.whoami(true);
  if (expected === 'refused') throw new Error('nothing was refused');
}

main().catch((error) => {
  if (process.argv[3] === 'refused' && error.name !== 'Error') process.exit(0);
  console.error(error);
  process.exit(1);
});
