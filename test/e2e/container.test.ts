import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { imageBuild } from '../helpers/image-build.ts';
import { ownAuthority } from '../helpers/own-authority.ts';
import { findPodman, type Podman } from '../helpers/podman.ts';
import { createRpmRepository, type RpmRepository } from '../helpers/rpm-repository.ts';
import { addSmallImage, createTree, type TestTree } from '../helpers/tree.ts';
import { type RegistryService, startRegistry } from '../services/registry.ts';

// layers/builder.yaml as users make it, and all ways in which sites call it.

const ROOT = path.resolve(import.meta.dirname, '../..');
const MINUTE = 60_000;
const HOME = '/home/builder';

let tree: TestTree;
let podman: Podman;
let rpms: RpmRepository;
/** Over HTTPS, by a certificate that only the site's own CA vouches for. */
let registry: RegistryService;
let host: string;
let authority: string;
const at = (...names: string[]) => path.join(tree.storage.folder, ...names);

beforeAll(async () => {
  tree = await createTree();
  await mkdir(at('site/layers'), { recursive: true });
  const tls = await ownAuthority(at('site'));
  authority = tls.authority;
  registry = await startRegistry(at('registry'), { tls: { certificate: tls.cert, key: tls.key } });
  // The certificate is for the name.
  host = registry.host.replace('127.0.0.1', 'localhost');
  await tree.storage.exec(process.execPath, [path.join(ROOT, 'tool/package/package.mjs'), '--only', 'deb'], {
    quiet: true,
  });
  const start = performance.now();
  const program = path.join(ROOT, 'node_modules/.bin/layers');
  const args = ['build', 'builder', '--root', ROOT, '--state', at('state'), '--output', 'plain'];
  await tree.storage.exec(program, args, { quiet: true });
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  const { stdout } = await tree.storage.exec('podman', ['image', 'inspect', '--format={{.Size}}', 'layers-builder'], {
    quiet: true,
  });
  console.log(`the container: built in ${seconds} s, ${(Number(stdout) / 1e6).toFixed(0)} MB`);
  podman = await findPodman(tree.storage, 'localhost/layers-builder:latest');
  rpms = await createRpmRepository(at('rpms'), tree.storage.exec);
  await addSmallImage(tree);
  const small = ['copy', '--quiet', '--dest-tls-verify=false', `oci:${path.join(tree.root, 'small')}:1`];
  await tree.storage.exec('skopeo', [...small, `docker://${host}/site/small:1`], { quiet: true });
  await writeFile(at('site/motd'), 'welcome\n');
  await chmod(at('site/motd'), 0o644);
  for (const [name, text] of Object.entries(LAYERS)) await writeFile(at(`site/layers/${name}.yaml`), text());
  await copyFile(authority, at('site/ca.crt'));
  await chmod(at(), 0o755);
}, 20 * MINUTE);
afterAll(async () => {
  await registry?.end();
  await tree?.[Symbol.asyncDispose]();
});
beforeEach(({ skip }) => {
  if (podman.whyNot !== undefined) skip(`podman starts no container here: ${podman.whyNot}`);
});

const INSECURE = '--tls-verify=false';
const LAYERS = {
  /** On a parent, as nearly every layer is. */
  child: () => `options:
  layer_type: base
  name: child
  pkg_manager: dnf
  parent: ${host}/site/small:1
  publish_registry: ${host}/site
copyfiles: [{src: motd, dest: /etc/motd}]
cmds: ["echo built > /etc/built && busybox chown 7:65534 /etc/built"]
`,
  /** From nothing, by the manager that the container brings. */
  scratch: () => `options:
  layer_type: base
  name: scratch
  pkg_manager: dnf
  releasever: '9'
  publish_registry: ${host}/site
repos: [{alias: local, url: 'file://${rpms.folder}', gpg: '${rpms.key}'}]
packages: [lay-a]
`,
};

/** Mounts of every call: the layer files as a site has them, and a repository of packages. */
const volumes = (name: string) => [
  ...['-v', `${at(`site/layers/${name}.yaml`)}:${HOME}/config.yaml:ro`, '-v', `${at('site/motd')}:${HOME}/motd:ro`],
  ...['-v', `${at('rpms')}:${at('rpms')}:ro`],
];

/** `podman run OPTIONS IMAGE WORDS`. */
async function call(options: readonly string[], words: readonly string[]): Promise<{ code: number; output: string }> {
  const args = [...podman.args, '--device=/dev/fuse', ...options, 'localhost/layers-builder:latest', ...words];
  return new Promise((resolve) => {
    execFile('podman', args, { env: tree.storage.env as NodeJS.ProcessEnv, maxBuffer: 1 << 26 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: out + err }),
    );
  });
}

const insecure = ['--registry-opts-push', INSECURE, '--registry-opts-pull', INSECURE];

const BUILD_DATE = 'org.openchami.image.build-date';
/** All of a published image but when it was built: `image-build` builds every time, and the label says when. */
async function published(name: string): Promise<unknown> {
  const inspect = async (...args: string[]) => {
    const all = ['inspect', INSECURE, ...args, `docker://${host}/site/${name}:latest`];
    return JSON.parse((await tree.storage.exec('skopeo', all, { quiet: true })).stdout);
  };
  const { layers } = (await inspect('--raw')) as { layers: { digest: string }[] };
  const config = (await inspect('--config')) as { config: { Labels: Record<string, string> } };
  const { [BUILD_DATE]: date, ...labels } = config.config.Labels;
  expect(date).toMatch(/^\d{4}-/);
  const digests = layers.map(({ digest }) => digest);
  return { digests, config: { ...config, config: { ...config.config, Labels: labels } } };
}

test.each(['child', 'scratch'])(
  '%s: inside as root and without root, the image is the one that is built outside',
  async (name) => {
    const outside = await imageBuild(['--config', at(`site/layers/${name}.yaml`), ...insecure], {
      cwd: at('site'),
      env: { ...tree.storage.env, XDG_STATE_HOME: at('lone') },
    });
    expect([outside.code, outside.stderr]).toEqual([0, expect.anything()]);
    const image = await published(name);
    const words = ['image-build', '--config', 'config.yaml', '--log-level', 'INFO', ...insecure];
    for (const [who, options] of [
      ['builder', []],
      ['root', ['--user=0', '--privileged']],
    ] as const) {
      const { code, output } = await call([...volumes(name), ...options], words);
      expect([who, code, output]).toEqual([who, 0, expect.stringContaining('built')]);
      expect([who, await published(name)]).toEqual([who, image]);
    }
    console.log(`${name}: equal layers outside and inside: ${JSON.stringify(image).slice(0, 200)}`);
  },
);

test('what was built outside is taken over inside, from a tree that is mounted read-only', async () => {
  await tree.write('motd', 'welcome\n');
  await tree.write(
    'layers/kept.yaml',
    `options: {layer_type: base, name: kept, pkg_manager: dnf, parent: 'oci:small:1', publish_registry: 'oci:images'}
copyfiles: [{src: motd, dest: /etc/motd}]
cmds: ["echo built > /etc/built"]
`,
  );
  expect(await tree.layers(['build', '--output', 'plain'])).toMatchObject({ code: 0 });
  const words = ['layers', 'build', '--root', '/tree', '--state', '/tmp/state', '--output', 'plain'];
  const { code, output } = await call(['-v', `${tree.root}:/tree:ro`], words);
  expect([code, output]).toEqual([0, expect.stringContaining('1 reused')]);
});

test('one string, words, a shell, and nothing at all', async () => {
  const state = { whole: 'image-build --log-level=INFO --config /data/x.yaml', words: 'id -un && pwd' };
  const mounted = ['-v', `${at('site/layers/child.yaml')}:/data/x.yaml:ro`, '-v', `${at('site/motd')}:${HOME}/motd:ro`];
  const { code, output } = await call(mounted, [`${state.whole} ${insecure.join(' ')}`]);
  expect([code, output]).toEqual([0, expect.stringContaining('built')]);
  expect(await call([], ['bash', '-c', state.words])).toEqual({ code: 0, output: `builder\n${HOME}\n` });
  expect(await call([], ['bash', '-c', 'exit 7'])).toMatchObject({ code: 7 });
  expect(await call([], [])).toEqual({ code: 0, output: '' });
  expect(await call([], ['image-build', '--config', 'nowhere.yaml'])).toMatchObject({ code: 2 });
});

test('a CA of the site: mounted, taken by the tool of EL or Debian, and the registry is trusted', async () => {
  const script = (tool: string) => `${tool} && exec image-build --config ${HOME}/config.yaml`;
  const start = (file: string, tool: string) => {
    const options = [...volumes('child'), '-v', `${at('site/ca.crt')}:${file}:ro`];
    return call([...options, '--user=0', '--privileged', '--entrypoint=/bin/bash'], ['-c', script(tool)]);
  };
  const refused = await start('/tmp/ca.crt', 'true');
  expect([refused.code, refused.output]).toEqual([
    1,
    expect.stringMatching(/the certificate of \S+ is not trusted here/),
  ]);
  for (const [file, tool] of [
    ['/etc/pki/ca-trust/source/anchors/site.pem', 'update-ca-trust extract'],
    ['/usr/local/share/ca-certificates/site.crt', 'update-ca-certificates'],
  ] as const) {
    const trusted = await start(file, tool);
    expect([trusted.code, trusted.output]).toEqual([0, expect.anything()]);
  }
});

test('everything that builds is there, both rpm managers among it', async () => {
  const script = 'layers doctor; ansible --version; ansible-galaxy collection list containers.podman; zypper --version';
  const { output } = await call(
    [],
    ['bash', '-c', `${script}; dnf --version; which node || echo no node of the system`],
  );
  expect(output).toMatch(/^zypper 1\./m);
  expect(output).toContain('containers.podman');
  expect(output).toContain('no node of the system');
  expect(output).not.toMatch(/not installed|missing/);
});

test('the image says how it starts, and only that', async () => {
  const { stdout } = await tree.storage.exec('podman', ['image', 'inspect', 'layers-builder'], { quiet: true });
  const [{ Config: config }] = JSON.parse(stdout) as [{ Config: Record<string, unknown> }];
  expect(config).toMatchObject({ User: 'builder', WorkingDir: HOME, Cmd: ['bash'] });
  expect(await readFile(path.join(ROOT, 'layers/builder.yaml'), 'utf8')).toContain('manual: true');
});
