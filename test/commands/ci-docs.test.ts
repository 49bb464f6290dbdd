import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseArguments } from '../../tool/src/commands/arguments.ts';
import { jobsOfDocument } from '../helpers/ci-document.ts';

const { gitlab, github } = jobsOfDocument();
const root = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'));

const gitlabLines = [gitlab['.layers'].before_script, gitlab.plan.script, gitlab.images.script].flat();
const { plan, images } = github.jobs;
const steps = [...plan.steps, ...images.steps];
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
  for (const job of [plan, images]) expect(job.steps[0]?.with).toEqual({ 'fetch-depth': 0 });
  expect(lines.filter((line) => line.endsWith('npm run setup'))).toHaveLength(3);
  expect(root.scripts.setup).toBeDefined();
});

test('the credentials that write are named in the job of the protected branch alone', () => {
  const { plan: request, images: branch, ...shared } = gitlab;
  expect(JSON.stringify([request, shared])).not.toContain('WRITE');
  expect(request.variables).toEqual({ REGISTRY_AUTH_FILE: '$REGISTRY_AUTH_READ' });
  expect(branch.variables).toEqual({ REGISTRY_AUTH_FILE: '$REGISTRY_AUTH_WRITE' });
  const { jobs, ...rest } = github;
  expect(JSON.stringify([rest, jobs.plan])).not.toMatch(/WRITE|environment/);
  expect(jobs.images.environment).toBe('images');
  expect([jobs.plan.if, jobs.images.if]).toEqual([
    "github.event_name == 'pull_request'",
    "github.event_name == 'push'",
  ]);
  // Neither is there while set-up runs.
  for (const job of [jobs.plan, jobs.images]) {
    expect(job.env).toBeUndefined();
    const names = job.steps.map(({ env }) => JSON.stringify(env ?? {}).match(/REGISTRY_AUTH_\w+/)?.[0]);
    const own = job === jobs.plan ? 'REGISTRY_AUTH_READ' : 'REGISTRY_AUTH_WRITE';
    expect(names).toEqual([undefined, undefined, undefined, own, undefined]);
  }
});
