// The one gate: every check, whatever the earlier ones said, then `N passed, N failed` on the last line.
// Usage: node tool/setup/gate.mjs [FILTER...]     FILTER: only test files whose path contains it, and no static check
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { chooseNode } from './node.mjs';
import { root, SetupError, since } from './place.mjs';

const filters = process.argv.slice(2);
const total = { passed: 0, failed: 0 };

try {
  const env = testEnvironment(chooseNode());
  if (filters.length === 0) staticChecks(env);
  tests(env);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.log(`gate: ${error.message}`);
  total.failed += 1;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

function staticChecks(env) {
  const bin = join(root, 'node_modules/.bin');
  check('Biome', [join(bin, 'biome'), 'check', '--error-on-warnings', '.'], env);
  check('tsc, tool', [join(bin, 'tsc'), '--project', 'tool'], env);
  check('tsc, test', [join(bin, 'tsc'), '--project', 'test'], env);
  check('knip', [join(bin, 'knip'), '--no-progress'], env);
}

function check(name, argv, env) {
  const start = performance.now();
  console.log(`gate: ${name}`);
  const { status, error } = spawnSync(argv[0], argv.slice(1), {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) console.log(`gate: ${error.message}`);
  report(name, status === 0, start);
}

function tests(env) {
  const start = performance.now();
  console.log('gate: Vitest');
  const folder = mkdtempSync(join(tmpdir(), 'layers-gate-'));
  const file = join(folder, 'report.json');
  const vitest = join(root, 'test/node_modules/.bin/vitest');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  try {
    const { status } = spawnSync(vitest, ['run', '--root', 'test', ...reporters, ...filters], {
      cwd: root,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
    count(results, status, start);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Each test counts as one; so does a file that could not be loaded, and a run that failed for another reason.
function count(results, status, start) {
  const broken = results?.testResults.filter((file) => file.status === 'failed' && !someFailed(file)) ?? [];
  const failed = (results?.numFailedTests ?? 0) + broken.length;
  const passed = results?.numPassedTests ?? 0;
  total.passed += passed;
  total.failed += failed;
  for (const file of broken) console.log(`gate: ${file.name} could not be run`);
  if (failed === 0) report('Vitest', status === 0 && passed > 0, start);
  const skipped = results?.testResults.flatMap((file) => file.assertionResults.filter(isSkipped)) ?? [];
  for (const test of skipped) console.log(`gate: did not run: ${test.fullName}`);
  report('no test left out', skipped.length === 0, start);
}

function someFailed(file) {
  return file.assertionResults.some((test) => test.status === 'failed');
}

function isSkipped(test) {
  return ['pending', 'skipped', 'todo', 'disabled'].includes(test.status);
}

function report(name, ok, start) {
  total[ok ? 'passed' : 'failed'] += 1;
  console.log(`gate: ${name}: ${ok ? 'passed' : 'FAILED'} (${since(start)})`);
}

// Everything below runs on the Node chosen here, by shims that look for `node` on PATH. test/vitest.config.ts clears CI
// and the like for the tests themselves.
function testEnvironment(node) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  delete env.CI;
  return env;
}
