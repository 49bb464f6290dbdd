import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { leftBehind } from '../helpers/left-behind.ts';
import { addSmallImage, createTree, type Ended, outcomes, type TestTree } from '../helpers/tree.ts';

const LAYERS = {
  'layers/base.yaml': `
options: {layer_type: base, name: base, parent: 'oci:small:1', pkg_manager: apt, publish_registry: 'oci:images'}
copyfiles: [{src: files/base, dest: /usr/bin/base}]
cmds: [sh /usr/bin/base]
`,
  'layers/top.yaml': `
options: {layer_type: base, name: top, parent: base, pkg_manager: apt, publish_registry: 'oci:images'}
copyfiles: [{src: files/top, dest: /etc/top}]
`,
  // Long enough for two others to come beside it on a busy machine.
  'files/base': 'busybox sleep 15\n',
  'files/top': 'one\n',
};

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree(LAYERS);
  await addSmallImage(tree);
});
afterAll(() => tree[Symbol.asyncDispose]());

type Event = Readonly<Record<string, unknown>>;

/** A watch, and what it has said in JSON so far. */
function startWatch() {
  const running = tree.start(['watch', '--output', 'json'], { CI: undefined });
  let text = '';
  running.child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  onTestFinished(() => void running.child.kill('SIGKILL'));
  const events = (): Event[] =>
    text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event);
  return { ...running, events };
}

type Watch = ReturnType<typeof startWatch>;

const finished = ({ type, summary }: Event) => {
  const { id, outcome } = (summary ?? {}) as { id: string; outcome: string };
  return type === 'layer-finished' ? [`${id} ${outcome}`] : [];
};
const runs = async () => (await readdir(path.join(tree.root, '.layers/runs'))).length;

/** Resolves when all of them have ended as many runs as they began, and say nothing more for a while. */
async function atRest(...watches: Watch[]): Promise<void> {
  const said = () => watches.map((watch) => watch.events().length).join();
  const isAtRest = () =>
    watches.every((watch) => {
      const types = watch.events().map(({ type }) => type);
      const count = (type: string) => types.filter((one) => one === type).length;
      return count('run-started') === count('run-finished') && types.includes('watch-ready');
    });
  for (let before = ''; !isAtRest() || before !== said(); await sleep(1500)) before = said();
}

/** What came of layers in all the watches from `work` on until they rest, sorted. */
async function cameOf(watches: readonly Watch[], work: () => Promise<unknown>): Promise<string[]> {
  const marks = watches.map((watch) => watch.events().length);
  await work();
  await atRest(...watches);
  return watches.flatMap((watch, index) => watch.events().slice(marks[index]).flatMap(finished)).sort();
}

/** Ends them all; nothing is left of them, and nothing to do. */
async function end(watches: readonly Watch[]): Promise<void> {
  const count = await runs();
  await sleep(3000);
  expect(await runs()).toBe(count);
  for (const watch of watches) watch.child.kill('SIGINT');
  for (const watch of watches) expect((await watch.ended).code).toBe(130);
  expect(await leftBehind(tree)).toEqual([]);
  expect((await tree.layers(['build', '--no-publish'])).stdout).toContain('nothing to do');
}

test('two watches and builds on one tree wait for each other by name, build each thing once, and come to rest', async () => {
  const first = startWatch();
  await first.seen(/"step":"cmds"/);
  const second = startWatch();
  await second.seen(new RegExp(`waiting for process ${first.child.pid} on [^"]*, which is building it`));
  // Not waiting is the user's choice.
  const refused = await tree.layers(['build', 'base', '--lock', 'fail']);
  expect([refused.code, refused.stdout]).toEqual([1, expect.stringMatching(/base is being built by process \d+ on/)]);
  await atRest(first, second);
  expect(first.events().flatMap(finished)).toEqual(['base built', 'top built']);
  const both = [first, second];

  // One change is one build, whoever comes first; a build beside them takes it over and publishes it.
  let build: Promise<Ended> | undefined;
  const once = await cameOf(both, async () => {
    await tree.write('files/base', 'busybox sleep 2; echo two\n');
    await Promise.race(both.map((watch) => watch.seen(/"line":"two"/)));
    build = tree.layers(['build', '--output', 'json']);
  });
  expect(once).toEqual(['base built', 'base reused', 'top built', 'top reused']);
  expect(outcomes((await build)!)).toEqual({ base: 'published', top: 'published' });

  // A change while one builds and the other waits is taken in by both.
  const changed = await cameOf(both, async () => {
    await tree.write('files/base', 'echo three; busybox sleep 60\n');
    await Promise.race(both.map((watch) => watch.seen(/"line":"three"/)));
    await tree.write('files/base', 'busybox sleep 1; echo four\n');
  });
  expect(changed.filter((line) => line.endsWith('built'))).toEqual(['base built', 'top built']);

  // What fails, fails once in each, and not because of the other.
  const failed = await cameOf(both, () => tree.write('files/base', 'exit 3\n'));
  expect(failed).toEqual(['base failed', 'base failed', 'top skipped', 'top skipped']);
  const mended = await cameOf(both, () => tree.write('files/base', 'busybox sleep 1; echo five\n'));
  expect(mended.filter((line) => line.endsWith('built'))).toEqual(['base built', 'top built']);
  await end(both);
});

test('of an Ansible layer one converges and builds it cleanly, and the other takes that over', async () => {
  await tree.write(
    'playbooks/site.yaml',
    '- hosts: all\n  gather_facts: false\n  tasks: [{ raw: echo 1 > /etc/one }]\n',
  );
  await tree.write(
    'layers/played.yaml',
    "options: {layer_type: ansible, name: played, parent: 'oci:small:1', playbooks: playbooks/site.yaml}\n",
  );
  expect((await tree.layers(['build', 'played'])).code).toBe(0);
  const both = [startWatch(), startWatch()];
  await atRest(...both);
  const edited = await cameOf(both, () =>
    tree.write('playbooks/site.yaml', '- hosts: all\n  gather_facts: false\n  tasks: [{ raw: echo 2 > /etc/one }]\n'),
  );
  const converged = both.map((watch) => watch.events().filter(({ type }) => type === 'converged').length);
  expect(edited.filter((line) => line.startsWith('played'))).toEqual(['played built', 'played reused']);
  expect(converged.sort()).toEqual([0, 1]);
  await end(both);
});
