import { describe, expect, test } from 'vitest';
import { parseImageBuild } from '../../tool/src/commands/image-build-arguments.ts';
import { destinationsOf } from '../../tool/src/config/destinations.ts';
import type { Layer } from '../../tool/src/config/layer.ts';
import { parseLayer } from '../../tool/src/config/parse-layer.ts';
import { ANSIBLE, BASE, codes } from '../config/reading.ts';
import { goldenArgv, shownBy } from './shown-by.ts';

// Each line of "Not to inherit" in the contract. What needs a real package manager, registry or scan is shown by the test that has one.

/** A layer as `image-build` reads it. */
function read(text: string, ...flags: string[]) {
  const { flags: given } = parseImageBuild(['--config', 'x.yaml', ...flags]);
  return parseLayer(text, { file: 'x.yaml', id: 'x', lenient: { flags: given } });
}

function options(text: string, ...flags: string[]): Layer['options'] {
  const { layer, diagnostics } = read(text, ...flags);
  if (layer === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return layer.options;
}

const has = (builder: string, ...words: string[]) =>
  goldenArgv(builder).some((argv) =>
    words.every((word, at) => argv.includes(word, argv.indexOf(words[0] as string) + at)),
  );

describe('arguments and files', () => {
  test('--gpgcheck False means true', () => {
    expect(options(BASE, '--gpgcheck', 'False').gpgcheck).toBe(false);
    expect(options(BASE, '--gpgcheck', 'True').gpgcheck).toBe(true);
  });
  test("--vars takes the inventory's value", () => {
    const { vars, inventory } = options(ANSIBLE, '--inventory', 'hosts', '--vars', 'a=1', 'b=2');
    expect([vars, inventory]).toEqual([{ a: '1', b: '2' }, ['hosts']]);
  });
  test('--repo is ignored', () => {
    expect(parseImageBuild(['--config', 'x', '--repo', 'y']).ignored).toEqual(['--repo']);
  });
  test('ansible_verbosity from the file is ignored', () => {
    expect(options(`${ANSIBLE}  ansible_verbosity: '3'\n`).ansible_verbosity).toBe(3);
    expect(goldenArgv('ansible').some((argv) => argv.some((word) => /^-v+$/.test(word)))).toBe(true);
  });
  test('--log-level before any publish option is ignored', () => {
    expect(options(BASE, '--log-level', 'DEBUG', '--publish-registry', 'r.example/x').log_level).toBe('DEBUG');
    expect(options(BASE, '--publish-registry', 'r.example/x', '--log-level', 'DEBUG').log_level).toBe('DEBUG');
  });
  test('the file beats the flag for registry and S3 only', () => {
    const file = `${BASE}  publish_registry: file.example/x\n  publish_s3: http://file.example\n  publish_tags: file\n`;
    const flags = [
      '--publish-registry',
      'flag.example/x',
      '--publish-s3',
      'http://flag.example',
      '--publish-tags',
      'flag',
    ];
    const { publish_registry, publish_s3, publish_tags } = options(file, ...flags);
    expect([publish_registry, publish_s3, publish_tags]).toEqual(['flag.example/x', 'http://flag.example', ['flag']]);
  });
  test('a string where a list is expected crashes', () => {
    const { layer } = read(
      `${BASE}packages: a b\npackage_groups: Minimal Install\ncmds: echo a\ncopyfiles: {src: a, dest: /a, opts: --chmod 600}\n`,
    );
    expect([layer?.packages, layer?.package_groups, layer?.cmds[0]?.cmd]).toEqual([
      ['a', 'b'],
      ['Minimal Install'],
      'echo a',
    ]);
  });
  test('an unquoted tag 8.10 becomes 8.1; 9.5 crashes only at publish, after the whole build', () => {
    const [error] = read(`${BASE}  publish_tags: 8.10\n`).diagnostics;
    expect(error).toMatchObject({ severity: 'error', range: { line: 6 }, hint: "put quotes around it: '8.10'" });
    expect(codes(read(`${BASE}  publish_tags: 9.5\n`).diagnostics)).toEqual(['6:17 unquoted-number']);
    expect(options(BASE, '--publish-tags', '8.10').publish_tags).toEqual(['8.10']);
  });
  test.each([
    ['an empty file', '', 'empty-file?'],
    ['a null list', `${BASE}packages:\n`, 'empty-key?'],
    ['missing options', 'packages: [a]\n', 'missing-options?'],
    ['a misspelt key', `${BASE}packagse: [a]\n`, 'unknown-key?'],
    [
      'no destination: the image is built and thrown away',
      BASE.replace('  publish_local: true\n', ''),
      'no-destination?',
    ],
  ])('nothing is said of %s', (_, text, code) => {
    expect(codes(read(text).diagnostics).join()).toContain(code);
  });
  shownBy('with no destination the image is built, thrown away, exit 0', [
    'e2e/image-build',
    'without a destination the image is kept, and its name is said',
  ]);
});

describe('base layers', () => {
  shownBy(
    "with a parent it writes ./home, ./etc/dnf/dnf.conf and ./tmp, and unlinks the host's /etc/resolv.conf",
    [
      'e2e/image-build',
      'a file on a read-only tree is built on an own local parent, every time, and only its destinations are written',
    ],
    ['e2e/build-dnf', 'a parent with dnf inside installs by it, and its rpm and dnf see what was installed'],
    ['build/root-files', 'nothing of the host is read through a link of the image'],
  );
  shownBy(
    "it leaves reposdir= of the builder's home and the proxy in the image; its cache is neither kept nor removed",
    ['e2e/build-dnf', 'a root from nothing: packages, groups, removal, keys, and nothing of the builder'],
    ['e2e/build-apt', 'no path and no name of the builder is left in it'],
    [
      'build/package-cache',
      'a build begins with what others loaded and gives back what is new, without locks and halves',
    ],
  );
  shownBy(
    'GPG checks are silently off for scratch builds, groups and modules',
    ['e2e/build-dnf', 'keys are asked for as gpgcheck says'],
    ['e2e/build-zypper', 'keys are asked for as gpgcheck says'],
    [
      'e2e/build-apt',
      'strict refuses a repository without a key; a package that is none is refused before anything runs',
    ],
  );
  test('a repository without gpg works, with a warning that names it; strict refuses it', () => {
    const text = `${BASE.replace('apt', 'dnf')}repos: [{alias: own, url: 'http://x/'}]\n`;
    const [warning] = read(text).diagnostics;
    expect(warning).toMatchObject({
      severity: 'warning',
      code: 'unsigned-repository',
      message: expect.stringContaining('`own`'),
    });
    expect(codes(read(text, '--gpgcheck', 'strict').diagnostics)).toEqual(['6:1 unsigned-repository']);
  });
  shownBy('no releasever', [
    'e2e/build-dnf-modules',
    'the release comes from the key, a package, the release package of a repository, or the parent',
  ]);
  test('alias and priority are ignored for dnf', () => {
    const written = goldenArgv('dnf').flat().join('\n');
    expect([written.includes('[base]'), written.includes('priority=10')]).toEqual([true, true]);
  });
  shownBy('zypper with a parent crashes when priority is unset, and on a numeric one', [
    'e2e/build-zypper',
    'the priority decides between two repositories, unset and set',
    'a parent with zypper inside installs by it; a failed scriptlet is a warning, its own repositories serve or are left',
  ]);
  test('a URL with & or a package spec foo >= 1 breaks or injects', () => {
    expect(has('dnf', 'foo >= 1')).toBe(true);
    expect(goldenArgv('dnf').flat().join('\n')).toContain('baseurl=https://rpm.example/a?x=1&y=2\n');
  });
  shownBy('strings reach bash -c unquoted', [
    'e2e/build-dnf-modules',
    'groups and environments by name and by id, with signs that a shell would mind',
    'a version in a package is one argument',
  ]);
  shownBy('with a parent, several module commands run the first one again and again', [
    'e2e/build-dnf-modules',
    'every module command has its own list, from scratch and again with the host over a parent',
    'modules by the dnf of the parent',
  ]);
  shownBy(
    'an absent package in remove_packages stops the build',
    ['e2e/build-dnf', 'a root from nothing: packages, groups, removal, keys, and nothing of the builder'],
    ['e2e/build-zypper', 'a root from nothing: packages, groups, licences, removal, keys, and nothing of the builder'],
    ['e2e/build-apt', 'a root from nothing has the packages, and not what was removed'],
  );
  test('buildah_extra_args is dropped', () => {
    for (const builder of ['dnf', 'apt']) expect(has(builder, '--user', 'nobody')).toBe(true);
  });
  shownBy("the default level of a command's stderr is ERROR; stdout is hidden", [
    'e2e/build-apt',
    'the output of a command shows from its loglevel on',
  ]);
  shownBy('a relative copyfiles.src depends on the current folder', [
    'inputs/copyfiles',
    'a source lies below the root, else beside the layer file; an absolute one stays',
  ]);
  test('opts as a string is split by character', () => {
    const { layer } = read(`${BASE}copyfiles: [{src: a, dest: /a, opts: --chmod 0600}]\n`);
    expect(layer?.copyfiles[0]?.opts).toEqual(['--chmod', '0600']);
  });
  shownBy('OpenSCAP calls methods that do not exist, and hides results behind || true', [
    'e2e/openscap',
    'a rule that fails is a result: in the image, beside the log, with a script that repairs it',
    'a scan that fails is an error with its last words, and what is missing is said before',
    'OVAL definitions are loaded, packed as they may be, and evaluated',
  ]);
});

describe('Ansible layers', () => {
  shownBy("the container's name is fixed, so two builds collide; Ctrl-C leaves it behind", [
    'e2e/image-build',
    'two files of one name are built side by side; a signal ends both and leaves nothing',
  ]);
  test('groups as a string is read character by character; a list of playbooks fails', () => {
    const { groups, playbooks } = options(`${ANSIBLE.replace('site.yaml', '[a.yaml, b.yaml]')}  groups: compute\n`);
    expect([groups, playbooks]).toEqual([['compute'], ['a.yaml', 'b.yaml']]);
    const played = goldenArgv('ansible')
      .flat()
      .filter((word) => /\/(site|late)\.yaml$/.test(word));
    expect(new Set(played.map((word) => word.split('/').at(-1)))).toEqual(new Set(['site.yaml', 'late.yaml']));
  });
  test('no tags, no vault password', () => {
    expect([has('ansible', '--tags', 'x,y'), has('ansible', '--skip-tags', 'z')]).toEqual([true, true]);
    expect(has('ansible', '--vault-password-file')).toBe(true);
  });
  shownBy('no become settings', [
    'e2e/build-ansible-features',
    'become: root needs nothing inside, another user what the become method needs',
  ]);
});

describe('running and cleaning up', () => {
  shownBy(
    'exit code 107 of any command counts as success',
    [
      'e2e/image-build',
      'a failed command is 1 with its last words, a wrong file 2 with its line, and nothing stays of either',
    ],
    [
      'e2e/build-zypper',
      'a parent with zypper inside installs by it; a failed scriptlet is a warning, its own repositories serve or are left',
    ],
  );
  shownBy('non-UTF-8 output hangs the build for ever', ['system/exec', 'invalid UTF-8 is replaced']);
  shownBy("errors omit the command's output", ['system/exec', 'a failure says what the program said last']);
  shownBy(
    'no retry, no time limit, no SIGTERM handling',
    ['publish/registry', 'overload is tried again, a tag as well as the push'],
    ['publish/s3-faults', '503 SlowDown: more tries than the SDK’s three'],
    ['system/exec', 'a total and an idle limit end the whole group'],
    ['e2e/image-build', 'two files of one name are built side by side; a signal ends both and leaves nothing'],
  );
  shownBy('a failed push loses the build and leaves the container', [
    'e2e/image-build',
    'a failed push keeps the build and says where it is',
  ]);
});

describe('publishing', () => {
  shownBy(
    'every tag mounts, squashes and uploads again',
    ['publish/s3-faults', 'three tags: one upload in parts, two copies'],
    [
      'e2e/publish-s3',
      'a new tag is a copy on the server, made without the image, also from a tag that is not wanted any more',
    ],
    ['e2e/publish-registry', 'three tags are one upload and one digest'],
  );
  shownBy("mksquashfs's exit code is ignored", [
    'e2e/publish-file',
    'options that mksquashfs does not know: nothing is published',
  ]);
  shownBy('TLS is never verified for S3', [
    'publish/s3-tls',
    'a certificate that nobody vouches for: the error names the option',
    's3_tls_verify: false takes it',
    'a CA that the system trusts is enough',
  ]);
  shownBy('it always removes the parent image afterwards', [
    'e2e/image-build',
    'a file on a read-only tree is built on an own local parent, every time, and only its destinations are written',
    'a parent in a registry is asked for each time, and what was pulled of it goes again',
  ]);
  shownBy('the kernel is the first folder found, in no order, paired with nothing', [
    'publish/kernels',
    'every family’s names, newest first',
    'the newest that has an initramfs of its own; a newer one without is a warning',
    'modules newer than the initramfs: a warning with the remedy',
    'the newest of a glob',
  ]);
  shownBy(
    "Debian's initrd and /lib/modules/*/vmlinuz are not known; with no initramfs the build fails after all the work",
    ['publish/kernels', 'every family’s names, newest first', 'none: each case says what to do'],
    ['e2e/publish-file', 'an image without a kernel fails before it is squashed'],
    ['e2e/image-build', 'the objects in S3 are those of the contract, under every tag'],
  );
  shownBy('build-date changes every digest', [
    'e2e/reproducible',
    'a root from apt, with files and commands',
    'a root from dnf',
  ]);
  test('a trailing slash in publish_registry gives //', () => {
    const { layer } = read(`${BASE}  publish_registry: r.example/x//\n`);
    expect(destinationsOf(layer as Layer)).toContainEqual(expect.objectContaining({ repository: 'r.example/x/base' }));
  });
  shownBy('a = in an os-release value crashes', [
    'publish/os-release',
    'quotes, an equals sign in a value, comments, spaces at the end',
  ]);
});
