import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseArguments } from '../../tool/src/commands/arguments.ts';
import { jobsOfDocument } from '../helpers/ci-document.ts';

const { gitlab, github } = jobsOfDocument();
const root = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'));

const gitlabLines = [gitlab['.layers'].before_script, gitlab.plan.script, gitlab.images.script].flat();
const { steps } = github.jobs.images;
const lines = [...gitlabLines, ...steps.flatMap(({ run = '' }) => run.split('\n'))].map((line) => line.trim());

/** Words as a shell would make them of these plain lines. */
const words = (line: string) =>
  line
    .split(/\s+/)
    .slice(1)
    .map((word) => word.replaceAll('"', ''));

test('every command of the jobs is one that layers takes', () => {
  const commands = lines.filter((line) => line.startsWith('layers '));
  expect(commands).toHaveLength(10);
  for (const line of commands) expect(parseArguments(words(line))?.positionals, line).toEqual([]);
});

test('merge requests read and publish nothing, protected branches write', () => {
  const builds = lines.filter((line) => line.startsWith('layers build'));
  const parsed = builds.map((line) => parseArguments(words(line))?.values);
  expect(parsed.filter((values) => values?.cache === 'write').map((values) => values?.affected)).toEqual([
    undefined,
    undefined,
  ]);
  const reading = parsed.filter((values) => values?.cache === 'read');
  expect(reading.map((values) => values?.['no-publish'])).toEqual([true, true]);
});

test('the whole history is fetched, and set-up is a script of this repository', () => {
  expect(gitlab.variables.GIT_DEPTH).toBe(0);
  expect(steps[0]?.with).toEqual({ 'fetch-depth': 0 });
  expect(lines.filter((line) => line.endsWith('npm run setup'))).toHaveLength(2);
  expect(root.scripts.setup).toBeDefined();
});
