// Makes this machine ready to build images: Node packages, system packages, the bundle. Quick when all is there.
// Usage: node tool/setup/setup.mjs [--tests]     --tests: what the tests need too
import { buildBundle } from './bundle.mjs';
import { chooseNode } from './node.mjs';
import { installNodePackages } from './node-packages.mjs';
import { SetupError, say, since } from './place.mjs';
import { installSystemPackages } from './system-packages.mjs';

const unknown = process.argv.slice(2).filter((argument) => argument !== '--tests');
const start = performance.now();
try {
  if (unknown.length > 0) throw new SetupError(`unknown argument ${unknown[0]}; the only one is --tests.`);
  installNodePackages();
  chooseNode();
  installSystemPackages(process.argv.includes('--tests') ? ['run', 'tests'] : ['run']);
  buildBundle();
  say(`ready (${since(start)})`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
