import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BuiltImage } from '../../tool/src/run/build-image.ts';
import { buildCommitted } from '../helpers/build-image.ts';
import { type BuildPlace, buildLayer, printedInside } from '../helpers/build-layer.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';
import { layer } from '../helpers/layers.ts';

const ACCOUNTS = 'xccdf_org.example_rule_accounts';
const BANNER = 'xccdf_org.example_rule_banner';

let storage: ContainerStorage;
let place: BuildPlace;
let server: FileServer;
/** Debian with Python and OpenSCAP. */
let base: BuiltImage;

beforeAll(async () => {
  storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  await cp(path.join(import.meta.dirname, '../fixtures/openscap'), path.join(root, 'scap'), { recursive: true });
  const served = path.join(storage.folder, 'served');
  await mkdir(served);
  await cp(path.join(root, 'scap/vulnerabilities.xml'), path.join(served, 'oval.xml'));
  for (const program of ['bzip2', 'xz', 'gzip']) await storage.exec(program, ['--keep', path.join(served, 'oval.xml')]);
  await writeFile(path.join(served, 'error.xml'), 'Access denied by the proxy\n');
  await writeFile(
    path.join(root, 'banner.yaml'),
    '- hosts: all\n  tasks: [{ ansible.builtin.copy: { content: private, dest: /etc/banner } }]\n',
  );
  server = await serveFiles(served);
  place = { storage, root, caches: path.join(storage.folder, 'caches') };
  const options = { suite: 'bookworm', install_scap: true };
  const top = { packages: ['python3'], copyfiles: [{ src: 'scap', dest: '/usr/share/site' }] };
  base = await buildCommitted(layer('base', options, top), 'scratch', place);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await storage?.[Symbol.asyncDispose]();
});

/** An account that is there, and a package that is installed; others are not. */
const FOUND = ['found: oval:org.example:def:1', 'found: oval:org.example:def:3'];
const OPENSCAP: readonly Record<string, string>[] = [
  { profile: 'site' },
  { benchmark_path: '/usr/share/site/benchmark.xml' },
];
const scan = (options: Record<string, unknown> = {}, openscap = OPENSCAP, cmds = ['true']) =>
  layer('l', { scap_benchmark: true, ...options }, { openscap, cmds });

test('install_scap: the scanner and the benchmarks of the distribution, by its own package manager', async () => {
  const installed = await printedInside(base.image.id, ['dpkg-query', '--show'], storage);
  expect(installed.split(/\s+/)).toEqual(expect.arrayContaining(['openscap-scanner', 'ssg-debian', 'python3']));
  expect(await printedInside(base.image.id, ['ls', '/usr/share/xml/scap/ssg/content'], storage)).toContain(
    'ssg-debian11-ds.xml',
  );
});

test('a rule that fails is a result: in the image, beside the log, with a script that repairs it', async () => {
  const places: typeof OPENSCAP = [{ results_path: '/srv/scan/results.xml' }, { remediate_path: '/srv/scan/fix.sh' }];
  const built = await buildLayer(scan({}, [...OPENSCAP, ...places]), base.image.id, place);
  expect(built.workspace.steps).toEqual(['cmds', 'scap_benchmark']);
  expect(built.workspace.warnings).toEqual(['scap_benchmark: 1 of 2 rules failed (1 medium)']);
  expect(built.workspace.lines).toContain(`fail (medium): ${BANNER}`);
  expect(built.workspace.progressed).toEqual([
    [ACCOUNTS, 1],
    [BANNER, 2],
  ]);
  const results = await printedInside(built.image, ['cat', '/srv/scan/results.xml'], storage);
  expect(built.workspace.kept.get('scan.xml')?.toString().trimEnd()).toBe(results);
  const script = await printedInside(built.image, ['cat', '/srv/scan/fix.sh'], storage);
  expect(built.workspace.kept.get('remediate.sh')?.toString().trimEnd()).toBe(script);
  expect(script).toContain('echo authorised use only > /etc/banner');
  expect(script).not.toContain(ACCOUNTS);
  // Where the builder stands is nobody's business.
  expect(results).toContain('<target>localhost</target>');
  expect(results).not.toContain('target-address');
  expect(results).not.toContain(`>${os.hostname()}<`);
  for (const one of Object.values(os.networkInterfaces()).flat()) expect(results).not.toContain(one?.address);
  // The script repairs it: the same layer on what it makes has no rule that fails.
  const repaired = scan({}, OPENSCAP, ['sh /srv/scan/fix.sh']);
  const again = await buildLayer(repaired, built.image, place);
  expect(again.workspace.warnings).toEqual([]);
  expect(again.workspace.lines).toContain('scap_benchmark: 0 of 2 rules failed');
});

test('scap_fail_on: the rule is named, and its results stay beside the log', async () => {
  const refused = await buildLayer(scan({ scap_fail_on: 'medium' }), base.image.id, place).catch((error) => error);
  expect(refused).toMatchObject({
    name: 'BuildFailure',
    message: `scap_fail_on: medium, and 1 rule of that severity or above failed: ${BANNER} (medium)`,
  });
  const built = await buildLayer(scan({ scap_fail_on: 'high' }), base.image.id, place);
  expect(built.workspace.kept.has('scan.xml')).toBe(true);
});

test('a scan that fails is an error with its last words, and what is missing is said before', async () => {
  const failing = (openscap: readonly Record<string, string>[]) =>
    expect(buildLayer(scan({}, openscap), base.image.id, place)).rejects;
  const benchmark = OPENSCAP[1]!;
  await failing([{ profile: 'nobody' }, benchmark]).toMatchObject({
    name: 'CommandFailure',
    message: expect.stringMatching(
      /^scap_benchmark: oscap xccdf eval: exit code 1: No profile matching suffix "nobody"/,
    ),
    result: { tail: expect.arrayContaining([expect.stringContaining('No profile matching suffix')]) },
  });
  await failing([{ benchmark_path: '/usr/share/site' }]).toMatchObject({
    message: 'openscap: benchmark_path: there is no /usr/share/site in the image',
  });
  await failing([]).toMatchObject({ message: 'scap_benchmark: `benchmark_path` is missing under `openscap`' });
  await failing([benchmark, { results_path: '../scan.xml' }]).toMatchObject({
    message: 'openscap: results_path is not the absolute path of a file: ../scan.xml',
  });
  await expect(buildLayer(scan({}, OPENSCAP, ['rm /usr/bin/oscap']), base.image.id, place)).rejects.toMatchObject({
    message: 'scap_benchmark: there is no oscap in the image',
    hint: '`install_scap: true` under `options` installs it',
  });
});

test('OVAL definitions are loaded, packed as they may be, and evaluated', async () => {
  for (const name of ['oval.xml', 'oval.xml.bz2', 'oval.xml.xz', 'oval.xml.gz']) {
    const openscap = [{ oval_url: `${server.url}/${name}?token=secret-4711` }];
    const built = await buildLayer(layer('l', { oval_eval: true }, { openscap }), base.image.id, place);
    expect(built.workspace.steps).toEqual(['oval_eval']);
    expect(built.workspace.warnings).toEqual(['oval_eval: 2 vulnerabilities or missing patches']);
    expect(built.workspace.lines).toEqual(FOUND);
    const kept = built.workspace.kept.get('vulnerabilities.xml')?.toString() ?? '';
    expect(kept).toContain('<primary_host_name>localhost</primary_host_name>');
    expect(kept).not.toContain('ip_address');
    expect(await printedInside(built.image, ['cat', '/root/vulnerabilities.xml'], storage)).toBe(kept.trimEnd());
    const definitions = await readFile(path.join(place.root, 'scap/vulnerabilities.xml'), 'utf8');
    expect(await printedInside(built.image, ['cat', '/root/oval.xml'], storage)).toBe(definitions.trimEnd());
    expect(await printedInside(built.image, ['stat', '-c', '%a %u', '/root/oval.xml'], storage)).toBe('644 0');
    expect(built.output.join('\n')).not.toContain('secret-4711');
  }
});

test('OVAL definitions of the tree need no URL; a URL that gives none is an error without its credentials', async () => {
  const own = [{ oval_xml: '/usr/share/site/vulnerabilities.xml' }];
  const built = await buildLayer(layer('l', { oval_eval: true }, { openscap: own }), base.image.id, place);
  expect(built.workspace.lines).toEqual(FOUND);
  const host = new URL(server.url).host;
  const failing = (url: string) =>
    expect(buildLayer(layer('l', { oval_eval: true }, { openscap: [{ oval_url: url }] }), base.image.id, place))
      .rejects;
  await failing(`http://user:pass-4711@${host}/missing.xml?token=x`).toMatchObject({
    name: 'BuildFailure',
    message: `oval_url: http://***@${host}/missing.xml cannot be loaded: ${host} answered 404 for /missing.xml`,
  });
  await failing(`${server.url}/error.xml`).toMatchObject({ message: `oval_url: ${server.url}/error.xml gave no XML` });
  await failing('/root/oval.xml').toMatchObject({ message: 'oval_url: /root/oval.xml is no http or https URL' });
});

test('an Ansible layer is evaluated after its playbooks', async () => {
  const options = { layer_type: 'ansible', pkg_manager: undefined, playbooks: 'banner.yaml', scap_benchmark: true };
  const built = await buildLayer(layer('l', options, { openscap: OPENSCAP }), base.image.id, place);
  expect(built.workspace.steps).toEqual(['playbook banner.yaml', 'scap_benchmark']);
  expect(built.workspace.lines).toContain('scap_benchmark: 0 of 2 rules failed');
  expect(built.report.repositories).toBeUndefined();
});

test('an Ansible layer installs OpenSCAP by the package manager of the image', async () => {
  const options = { layer_type: 'ansible', pkg_manager: undefined, playbooks: 'banner.yaml', install_scap: true };
  const built = await buildLayer(layer('l', options), base.image.id, place);
  expect(built.workspace.steps).toEqual(['playbook banner.yaml', 'install_scap']);
  expect(built.output.join('\n')).toContain('openscap-scanner is already the newest version');
  expect(Object.keys(built.report.repositories ?? {}).join()).toContain('InRelease');
});

test('when a scan was does not count for the content of an image, and that there is one does', async () => {
  const made = scan({ oval_eval: true }, [...OPENSCAP, { oval_url: `${server.url}/oval.xml` }]);
  const one = await buildCommitted(made, base, place);
  await sleep(1500);
  const other = await buildCommitted(made, base, place);
  const times = ({ image }: BuiltImage) => printedInside(image.id, ['grep', 'start-time=', '/root/scan.xml'], storage);
  expect(await times(other)).not.toBe(await times(one));
  expect(other.content).toBe(one.content);
  const without = await buildCommitted(scan({}, OPENSCAP), base, place);
  expect(without.content).not.toBe(one.content);
  // A layer that scans nothing has no such files: what a command writes there counts.
  const dated = layer('l', {}, { cmds: ['date +%N > /root/scan.xml'] });
  const [written, again] = [await buildCommitted(dated, base, place), await buildCommitted(dated, base, place)];
  expect(again.content).not.toBe(written.content);
});
