import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { listTree } from '../helpers/compare-trees.ts';
import { addSmallImage, createTree, type TestTree } from '../helpers/tree.ts';

const BIN = path.resolve(import.meta.dirname, '../../node_modules/.bin/layers');
const NAME = `layers-own-${process.pid}`;

let tree: TestTree;
/** What buildah makes for a user in /tmp, wherever TMPDIR is. */
let made: string[] = [];

beforeAll(async () => {
  tree = await createTree();
  await addSmallImage(tree);
  // An external parent with an owner at the end of what images use.
  const buildah = createBuildah(tree.storage.exec, { isolation: 'chroot', runId: 'high' });
  const container = await buildah.from(`oci:${path.join(tree.root, 'small')}:1`);
  await buildah.copy(container, ['/etc/hostname'], '/high', ['--chown=60001:65534', '--chmod=0644']);
  await buildah.push(await buildah.commit(container), `oci:${path.join(tree.root, 'high')}:1`);
  await buildah.remove(container);
  await tree.write(
    'layers/plain.yaml',
    `
options: {layer_type: base, name: plain, pkg_manager: apt, parent: 'oci:high:1', publish_registry: 'oci:images'}
cmds: ["echo own > /own && busybox chown 1234:65534 /own && busybox chmod 4750 /own"]
`,
  );
});
afterEach(async () => {
  execFileSync('userdel', [NAME], { stdio: 'ignore' });
  for (const one of made) await rm(one, { recursive: true, force: true });
});
afterAll(() => tree?.[Symbol.asyncDispose]());

/** Builds as a new plain user with so many subordinate ids. */
async function buildAs(ids: number): Promise<{ code: number; stdout: string }> {
  const counts = ['-K', `SUB_UID_COUNT=${ids}`, '-K', `SUB_GID_COUNT=${ids}`];
  execFileSync('useradd', ['--no-create-home', '--home-dir', `/nonexistent/${NAME}`, ...counts, NAME]);
  const id = (what: string) => Number(execFileSync('id', [what, NAME], { encoding: 'utf8' }));
  const user = { uid: id('-u'), gid: id('-g') };
  made = ['containers-user', 'podman-run'].map((name) => `/tmp/${name}-${user.uid}`).filter((one) => !existsSync(one));
  const { folder, env, exec } = tree.storage;
  const home = path.join(folder, `home-${ids}`);
  await mkdir(home);
  await exec('chown', ['-R', `${user.uid}:${user.gid}`, tree.root, home, path.join(folder, 'tmp')], { quiet: true });
  await exec('chmod', ['0755', folder], { quiet: true });
  // Where a plain user's storage is goes by HOME.
  const own = {
    HOME: home,
    CONTAINERS_STORAGE_CONF: undefined,
    XDG_RUNTIME_DIR: undefined,
    LAYERS_SOURCES: '1',
    NO_COLOR: '1',
  };
  const options = { cwd: tree.root, env: { ...env, ...own } as NodeJS.ProcessEnv, maxBuffer: 1 << 26, ...user };
  return new Promise((resolve) => {
    execFile(BIN, ['build', '--output', 'plain'], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout: stdout + stderr }),
    );
  });
}

/** A kernel that lets plain users have no namespace leaves nothing to test here. */
function whyNot(): string | undefined {
  try {
    execFileSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'unshare', '--user', 'true'], {
      stdio: 'pipe',
    });
    return undefined;
  } catch (error) {
    return `plain users get no user namespace here: ${(error as Error).message.split('\n').at(-1)}`;
  }
}

test('a plain user builds and publishes owners up to nogroup', async ({ skip }) => {
  const reason = whyNot();
  if (reason !== undefined) skip(reason);
  const { code, stdout } = await buildAs(65_536);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/1 built/)]);
  const buildah = createBuildah(tree.storage.exec, { isolation: 'chroot', runId: 'look' });
  const container = await buildah.from(`oci:${path.join(tree.root, 'images/plain')}:latest`);
  const listing = await listTree(await buildah.mount(container), tree.storage);
  await buildah.remove(container);
  expect([listing.get('high')?.slice(0, 18), listing.get('own')?.slice(0, 18)]).toEqual([
    '100644 60001 65534',
    '104750 1234 65534 ',
  ]);
});

test('ranges that end before nogroup: the message names both files and how far they have to reach', async ({
  skip,
}) => {
  const reason = whyNot();
  if (reason !== undefined) skip(reason);
  // What the first build made would be taken over.
  for (const name of ['.layers', 'images']) await rm(path.join(tree.root, name), { recursive: true, force: true });
  const { code, stdout } = await buildAs(1000);
  expect([code, stdout]).toEqual([1, expect.stringContaining('65536 ids reach up to nogroup, 65534')]);
  expect(stdout).toContain('/etc/subuid and /etc/subgid');
});
