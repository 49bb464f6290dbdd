import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { metadataDigest } from '../../tool/src/build/repositories.ts';
import type { CommandContext, CommandRun } from '../../tool/src/commands/command.ts';
import { run as lock } from '../../tool/src/commands/lock.ts';
import { run as outdated } from '../../tool/src/commands/outdated.ts';
import { InvalidInput } from '../../tool/src/config/diagnostic.ts';
import type { LayerRecord } from '../../tool/src/recipe/record.ts';
import { openRecords } from '../../tool/src/records/record-store.ts';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';

let root: string;
let server: FileServer;
const [first, second] = ['1', '2'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'layers-drift-'));
  for (const folder of ['layers', 'served/el9/repodata', 'rpms/repodata', 'small']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  server = await serveFiles(join(root, 'served'), 'reader:secret-4711');
  move('rpms', 'one');
  move('served/el9', 'far one');
  tag(first);
  const head = (name: string, more: string) =>
    `options: {layer_type: base, name: ${name}, pkg_manager: dnf, publish_local: true, releasever: "9", ${more}}\n`;
  const own = server.url.replace('//', '//reader:secret-4711@');
  const repos = `repos: [{alias: own, url: "file://${root}/rpms"}, {alias: far, url: "${own}/el$releasever"}]\n`;
  writeFileSync(join(root, 'layers/rpm.yaml'), `${head('rpm', 'parent: scratch')}${repos}packages: [a]\n`);
  const child = head('child', 'parent: "localhost/rpm:latest", force_installroot: true');
  writeFileSync(join(root, 'layers/child.yaml'), `${child}packages: [b]\n`);
  writeFileSync(join(root, 'layers/ext.yaml'), `${head('ext', 'parent: "oci:small:1"')}cmds: ["true"]\n`);
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

function move(repository: string, text: string): void {
  writeFileSync(join(root, repository, 'repodata/repomd.xml'), text);
}

function tag(digest: string): void {
  const annotations = { 'org.opencontainers.image.ref.name': '1' };
  writeFileSync(join(root, 'small/index.json'), JSON.stringify({ manifests: [{ digest, annotations }] }));
}

async function output(run: CommandRun, values: CommandContext['values'] = {}, positionals: string[] = []) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run({
    argv: [],
    cwd: root,
    env: { NO_COLOR: '1', PATH: process.env.PATH },
    options: {},
    values,
    positionals,
    print: (text) => void out.push(...text.split('\n')),
    warn: (text) => void err.push(text),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: new AbortController().signal,
    forced: new AbortController().signal,
  });
  return { code, out, err };
}

const lockText = () => readFileSync(join(root, 'layers.lock'), 'utf8');
const far = () => `${server.url}/el9/repodata/repomd.xml`;
const near = () => `file://${root}/rpms/repodata/repomd.xml`;
const digestOf = (text: string) => metadataDigest(Buffer.from(text));

test('lock writes the outside of now, for layers that were never built by their files', async () => {
  expect((await output(lock, { check: true })).code).toBe(3);
  expect(existsSync(join(root, 'layers.lock'))).toBe(false);
  const { code, out, err } = await output(lock);
  expect({ code, said: err.filter((line) => line.startsWith('layers.lock')) }).toEqual({ code: 0, said: [] });
  expect(out.toSorted()).toEqual(['child: new', 'ext: new', 'layers.lock written', 'rpm: new']);
  const repositories = `    repositories:
      ${JSON.stringify(near())}: "${digestOf('one')}"
      ${JSON.stringify(far())}: "${digestOf('far one')}"
`;
  const [, body] = lockText().split('layers:\n');
  expect(body).toBe(`  "child":
${repositories}  "ext":
    parent:
      reference: "oci:small:1"
      digest: "${first}"
    repositories: {}
  "rpm":
${repositories}`);
  expect(lockText()).not.toContain('secret-4711');
  // Each place was asked once for both layers.
  expect(server.requests.filter(({ path }) => path.includes('repomd'))).toHaveLength(2);
  expect(await output(lock, { check: true })).toMatchObject({
    code: 0,
    out: ['layers.lock is what the outside is now (3 layers)'],
  });
});

test('lock changes the entries of what was selected, and says what moved', async () => {
  await output(lock);
  const before = lockText();
  move('rpms', 'two');
  tag(second);
  const checked = await output(lock, { check: true });
  expect(checked.code).toBe(3);
  expect(checked.out).toContain(`ext: parent oci:small:1 moved: ${first.slice(0, 19)}… → ${second.slice(0, 19)}…`);
  expect(lockText()).toBe(before);
  const { out } = await output(lock, {}, ['child']);
  const [old, fresh] = ['one', 'two'].map((text) => `${digestOf(text).slice(0, 19)}…`);
  expect(out).toEqual([`child: package repository ${near()} moved: ${old} → ${fresh}`, 'layers.lock written']);
  const [ofChild = '', ofRest = ''] = lockText().split('  "ext":');
  expect(ofChild).toContain(digestOf('two'));
  expect(ofRest).toContain(first);
  expect(ofRest).toContain(digestOf('one'));
  expect(ofRest).not.toContain(digestOf('two'));
});

test('what cannot be asked keeps its entry, is said without credentials, and is a failure', async () => {
  await output(lock);
  rmSync(join(root, 'served/el9/repodata/repomd.xml'));
  move('rpms', 'two');
  const { code, err } = await output(lock, {}, ['rpm']);
  expect(code).toBe(1);
  expect(err.join('\n')).toContain(`layers.lock: rpm: ${far()} cannot be asked: `);
  expect(err.join('\n')).toContain('answered 404');
  expect(err.join('\n')).not.toContain('secret-4711');
  expect(lockText()).not.toContain(digestOf('two'));
});

test('entries of layers that are gone go when all are locked', async () => {
  await output(lock);
  rmSync(join(root, 'layers/ext.yaml'));
  expect((await output(lock, { check: true }, ['rpm'])).code).toBe(0);
  expect((await output(lock)).out).toEqual(['ext: not in the tree any more', 'layers.lock written']);
  expect(lockText()).not.toContain('"ext"');
});

test('a damaged lock is refused with its place', async () => {
  writeFileSync(join(root, 'layers.lock'), 'version: 1\nlayers:\n  rpm: {repository: {}}\n');
  const refusal = await output(lock).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(InvalidInput);
  expect((refusal as InvalidInput).diagnostics[0]).toMatchObject({ file: 'layers.lock', range: { line: 3 } });
});

function recordOf(id: string, more: Partial<LayerRecord>): LayerRecord {
  const recipe = {
    version: 2,
    stepVersion: 1,
    architecture: 'amd64',
    settings: {},
    tools: {},
    environment: {},
    files: {},
    parent: { kind: 'scratch' },
  } as const;
  return {
    version: 2,
    id,
    recipe,
    recipeKey: 'e'.repeat(64) as LayerRecord['recipeKey'],
    content: first as LayerRecord['content'],
    image: { shared: { place: 'reg.example/x', digest: first, size: 1 } },
    inheritedLabels: {},
    builtAt: '2026-11-01T00:00:00.000Z',
    lastBuiltAt: '2026-11-01T00:00:00.000Z',
    durationMs: 1,
    repositories: {},
    publications: {},
    ...more,
  };
}

test('outdated says what moved since the records, own and inherited, and changes nothing', async () => {
  const records = openRecords(join(root, '.layers'));
  const used = { [near()]: digestOf('one'), [far()]: digestOf('far one') };
  const [rpm, child, ext] = ['rpm', 'child', 'ext'].map((id) =>
    recordOf(id, { repositories: id === 'ext' ? {} : used }),
  );
  const parent = { kind: 'external', manifest: first } as const;
  await records.write(rpm!);
  await records.write(child!);
  await records.write({ ...ext!, recipe: { ...ext!.recipe, parent }, externalParent: 'oci:small:1' });
  expect(await output(outdated, { 'exit-code': true })).toMatchObject({
    code: 0,
    out: [expect.stringMatching(/^nothing moved: /), '3 layers: 0 outdated'],
  });
  move('served/el9', 'far two');
  tag(second);
  const { code, out } = await output(outdated, { 'exit-code': true });
  expect(code).toBe(3);
  const note = '  its image is not in local storage, so its packages cannot be looked at';
  expect(out.join('\n')).toContain(`rpm\n  package repository moved: ${far()}\n${note}\n`);
  expect(out.join('\n')).toContain(`child\n  package repository moved (inherited): ${far()}\n${note}\n`);
  expect(out.join('\n')).toContain(
    `ext\n  parent oci:small:1 moved: ${first.slice(0, 19)}… → ${second.slice(0, 19)}…\n`,
  );
  const { out: json } = await output(outdated, { json: true }, ['child']);
  expect(JSON.parse(json[0] ?? '')).toEqual({
    version: 1,
    layers: [
      {
        id: 'child',
        name: 'child',
        repositories: [{ url: far(), from: digestOf('far one'), to: digestOf('far two'), inherited: true }],
        note: note.trim(),
      },
    ],
  });
  expect(existsSync(join(root, 'layers.lock'))).toBe(false);
});

test('outdated: a layer without a record, and a repository that is away, are said and are no move', async () => {
  const records = openRecords(join(root, '.layers'));
  await records.write(recordOf('rpm', { repositories: { 'http://127.0.0.1:1/repodata/repomd.xml': first } }));
  const { code, out, err } = await output(outdated, { 'exit-code': true }, ['rpm', 'child']);
  expect(code).toBe(0);
  expect(out).toContain('  not built here');
  expect(err.join('\n')).toContain('warning: http://127.0.0.1:1/repodata/repomd.xml cannot be asked');
});
