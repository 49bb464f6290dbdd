import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandContext, CommandRun } from '../../tool/src/commands/command.ts';
import { run as graph } from '../../tool/src/commands/graph.ts';
import { run as list } from '../../tool/src/commands/list.ts';
import { run as schema } from '../../tool/src/commands/schema.ts';
import { run as show } from '../../tool/src/commands/show.ts';
import { run as validate } from '../../tool/src/commands/validate.ts';
import { InvalidInput } from '../../tool/src/config/diagnostic.ts';
import { ANSIBLE, BASE } from '../config/reading.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'layers-looking-'));
  mkdirSync(join(root, 'layers'));
  writeFileSync(join(root, 'layers.yaml'), 'defaults: {labels: {team: hpc}, publish_registry: reg.example}\n');
  writeFileSync(join(root, 'site.yaml'), '- hosts: all\n');
  writeFileSync(join(root, 'layers/base.yaml'), BASE);
  writeFileSync(join(root, 'layers/compute.yaml'), `${ANSIBLE}  manual: true\n  vars: {key: hunter2}\npackages: [a]\n`);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function output(run: CommandRun, values: CommandContext['values'] = {}, positionals: string[] = []) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run({
    argv: [],
    cwd: root,
    env: { NO_COLOR: '1' },
    options: {},
    values,
    positionals,
    print: (text) => void out.push(text),
    warn: (text) => void err.push(text),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: new AbortController().signal,
    forced: new AbortController().signal,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('commands that only look', () => {
  test('list', async () => {
    expect((await output(list)).out).toBe(`ID       NAME     TYPE             PARENT   DESTINATIONS
base     base     base             scratch  local base:latest, reg.example/base:latest
compute  compute  ansible, manual  base     local compute:latest, reg.example/compute:latest`);
    expect(JSON.parse((await output(list, { json: true }, ['compute'])).out)).toMatchObject({
      version: 1,
      layers: [{ id: 'compute', parent: 'base', manual: true }],
    });
  });

  test('show: what the defaults gave, what it is linked to, no secret', async () => {
    const { out } = await output(show, {}, ['compute']);
    expect(out).toContain('# parent: base (localhost/base:latest)');
    expect(out).toContain('    team: hpc');
    expect(out).toContain('key: "***"');
    expect(out).not.toContain('hunter2');
    expect((await output(show, { json: true }, ['base'])).out).toContain('"children": [\n        "compute"');
    await expect(output(show, {}, ['bas'])).rejects.toThrow(InvalidInput);
    await expect(output(show)).rejects.toThrow('show which layer?');
  });

  test.each([
    ['tree', 'scratch\n└── base\n    └── compute'],
    ['dot', '"base" -> "compute";'],
    ['mermaid', 'l0 --> l1'],
    ['json', '"version": 1'],
  ])('graph --format %s', async (format, part) => {
    expect((await output(graph, { format })).out).toContain(part);
  });

  test('validate: warnings with their lines on standard error, and how many', async () => {
    const { code, out, err } = await output(validate);
    expect([code, out]).toEqual([0, '2 layers, 1 warning']);
    expect(err).toBe(`layers/compute.yaml:9:1: warning[no-effect] \`packages\` has no effect in an Ansible layer
  9 | packages: [a]
    | ^^^^^^^^
  hint: remove it, or put it into a base layer`);
    writeFileSync(
      join(root, 'layers/copy.yaml'),
      `${BASE.replace('name: base', 'name: copy')}copyfiles: [{src: gone, dest: /x}]\n`,
    );
    await expect(output(validate)).rejects.toMatchObject({
      diagnostics: expect.arrayContaining([expect.objectContaining({ code: 'missing-input' })]),
    });
    rmSync(join(root, 'layers/copy.yaml'));
    expect(JSON.parse((await output(validate, { json: true })).out)).toMatchObject({
      layers: 2,
      diagnostics: [{ code: 'no-effect' }],
    });
  });

  test('validate: what a manual layer lacks may be made before it is built', async () => {
    const manual = `${BASE.replace('name: base', 'name: copy')}  manual: true\ncopyfiles: [{src: gone, dest: /x}]\n`;
    writeFileSync(join(root, 'layers/copy.yaml'), manual);
    try {
      const { code, err } = await output(validate);
      expect([code, err]).toEqual([0, expect.stringContaining('warning[missing-input] gone is not there')]);
    } finally {
      rmSync(join(root, 'layers/copy.yaml'));
    }
  });

  test('validate: errors are thrown, or printed as JSON with exit code 2', async () => {
    writeFileSync(join(root, 'layers/bad.yaml'), 'options: {}\n');
    try {
      await expect(output(validate)).rejects.toThrow('1 problem in 1 file, nothing was done');
      const { code, out } = await output(validate, { json: true });
      expect([code, JSON.parse(out).diagnostics[0].code]).toEqual([2, 'missing-key']);
    } finally {
      rmSync(join(root, 'layers/bad.yaml'));
    }
  });

  test('schema', async () => {
    expect(JSON.parse((await output(schema)).out).title).toBe('Layer file');
    expect(JSON.parse((await output(schema, { settings: true })).out).title).toBe('layers.yaml');
    expect((await output(schema, { docs: true })).out).toContain('# Layer file');
    expect((await output(schema, { docs: true, settings: true })).out).toContain('# layers.yaml');
  });
});
