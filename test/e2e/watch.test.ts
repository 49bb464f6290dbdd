import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leftBehind } from '../helpers/left-behind.ts';
import { Terminal } from '../helpers/terminal.ts';
import { addSmallImage, createTree, type TestTree } from '../helpers/tree.ts';

const BIN = path.resolve(import.meta.dirname, '../../node_modules/.bin/layers');

/** A layer that copies `files/NAME` into the image and, with `runs`, runs it there. */
const layerFile = (name: string, runs = false) => `
options: {layer_type: base, name: ${name}, parent: 'oci:small:1', pkg_manager: apt, publish_registry: 'oci:images'}
copyfiles: [{src: files/${name}, dest: /usr/bin/${name}}]
${runs ? `cmds: [sh /usr/bin/${name}]` : ''}
`;

const TASKS = 'playbooks/roles/motd/tasks/main.yaml';

/** Its task needs no Python in the image; what the template says comes from this side. */
const ANSIBLE = {
  'layers/played.yaml':
    "options: {layer_type: ansible, name: played, parent: 'oci:small:1', playbooks: playbooks/site.yaml, publish_registry: 'oci:images'}\n",
  'playbooks/site.yaml': '- hosts: all\n  gather_facts: false\n  roles: [motd]\n',
  [TASKS]:
    "- name: say it\n  ansible.builtin.raw: echo '{{ lookup('ansible.builtin.template', 'motd.j2') | trim }}' > /etc/motd\n",
  'playbooks/roles/motd/templates/motd.j2': 'first\n',
};

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree({
    'layers/quick.yaml': layerFile('quick'),
    'layers/slow.yaml': layerFile('slow', true),
    'files/quick': 'one\n',
    'files/slow': 'true\n',
  });
  await addSmallImage(tree);
});
afterAll(() => tree[Symbol.asyncDispose]());

async function runs(): Promise<number> {
  return (await readdir(path.join(tree.root, '.layers/runs'))).length;
}

test('on a terminal: cancels, queues, remembers failures, takes new and removed layers, and leaves nothing', async () => {
  const env = { ...tree.storage.env, LAYERS_SOURCES: '1', CI: undefined, NO_COLOR: '1' };
  const terminal = new Terminal({ cwd: tree.root, env });
  let mark = 0;
  /** What is said from now on must hold the text. */
  const says = async (text: string | RegExp, edit: () => Promise<unknown>) => {
    mark = (await terminal.history()).length;
    await edit();
    return terminal.said(text, Math.max(0, mark - 200));
  };
  try {
    await terminal.open(100, 30, `${BIN} watch`);
    await terminal.until('watching 2 layers · all in line');
    expect(await terminal.history()).toMatch(/2 built in/);

    // A change to what a running layer reads ends it alone; the other's waits for the end of the run.
    await tree.write('files/slow', 'sleep 60\n');
    await terminal.until(/slow +cmds/);
    await tree.write('files/quick', 'two\n');
    await sleep(300);
    const cancelled = await says(/slow +cancelled: files\/slow changed/, () => tree.write('files/slow', 'true\n'));
    expect(cancelled).not.toMatch(/quick +cancelled/);
    await terminal.said(/files\/quick changed → quick/);
    await terminal.until('watching 2 layers · all in line');
    expect(await terminal.history()).toMatch(/slow +built[\s\S]*files\/quick changed[\s\S]*quick +built/);

    // What failed is not tried again before something of it changes, or before it is asked for.
    await tree.write('files/slow', 'exit 3\n');
    await terminal.until('watching 2 layers · 1 failed');
    let before = await runs();
    await says('failed and not changed since', () => tree.write('files/slow', 'exit 3\n'));
    await says(/1 built in/, () => tree.write('files/quick', 'three\n'));
    expect(await runs()).toBe(before + 1);
    await says(/1 failed in/, () => terminal.keys('r'));
    expect(await runs()).toBe(before + 2);
    await says(/slow: failed: .*exit/, () => terminal.keys('w'));
    await says(/slow\.log\n[\s\S]*command 1 under cmds: exit code 3/, () => terminal.keys('l'));
    await says(/slow as its build failed at .* in the step 'cmds'/, () => terminal.keys('s'));
    await terminal.until(/[#$]$/);
    await terminal.keys('exit', 'Enter');
    await terminal.until('watching 2 layers · 1 failed');

    // Its file goes and comes back as it was: that is not tried either, and still told.
    const file = path.join(tree.root, 'layers/slow.yaml');
    before = await runs();
    await says('gone: slow', () => rename(file, `${file}.away`));
    await terminal.until('watching 1 layer · all in line');
    await says('failed and not changed since', () => rename(`${file}.away`, file));
    await terminal.until('watching 2 layers · 1 failed');
    await says(/slow: failed: .*exit/, () => terminal.keys('w'));
    expect(await runs()).toBe(before);

    // A layer file that is wrong is told, and watching goes on.
    await says(/layers\/bad\.yaml:\d+:\d+: error/, () => tree.write('layers/bad.yaml', 'options: {\n'));
    await rm(path.join(tree.root, 'layers/bad.yaml'));
    await says(/2 built in|slow +built/, () => tree.write('files/slow', 'true # mended\n'));
    await says(/new: more\/new[\s\S]*more\/new +built/, async () => {
      await tree.write('files/new', 'new\n');
      await tree.write('layers/more/new.yaml', layerFile('new'));
    });
    await says('gone: more/new', () => rm(path.join(tree.root, 'layers/more'), { recursive: true }));
    await terminal.until('watching 2 layers · all in line');

    // Many saves are one run; what editors leave is none.
    before = await runs();
    for (let save = 0; save < 200; save += 1) {
      await writeFile(path.join(tree.root, 'files/quick'), `save ${save}\n`);
      await sleep(10);
    }
    while ((await runs()) === before) await sleep(50);
    await terminal.until('watching 2 layers · all in line');
    for (const name of ['.quick.swp', '4913', 'quick~', '.#quick', 'quick___jb_tmp___']) {
      await tree.write(`files/${name}`, 'x');
      await tree.write(`layers/${name}`, 'x');
    }
    await sleep(600);
    expect(await runs()).toBe(before + 1);

    await terminal.keys('q');
    await terminal.until('ended with 0');
    expect(await terminal.cursorIsVisible()).toBe(true);
    expect(await leftBehind(tree)).toEqual([]);
    // Nothing left the machine.
    expect(existsSync(path.join(tree.root, 'images'))).toBe(false);
  } finally {
    await terminal.close();
  }
});

test('killed in a build, the next start sweeps; without a terminal every line has its time', async () => {
  expect((await tree.layers(['build', '--no-publish'])).code).toBe(0);
  const built = await readFile(path.join(tree.root, 'files/slow'), 'utf8');
  await tree.write('files/slow', 'sleep 60\n');
  const first = tree.start(['watch'], { CI: undefined });
  await first.seen(/\[slow\] cmds/);
  first.child.kill('SIGKILL');
  await first.ended;
  expect(await leftBehind(tree)).not.toEqual([]);
  // Also where it has nothing to do.
  await tree.write('files/slow', built);
  const second = tree.start(['watch'], { CI: undefined });
  const swept = once(second.child.stderr!, 'data').then(String);
  await second.seen(/^\d\d:\d\d:\d\d watching 2 layers/m);
  expect(await swept).toContain('was killed; what it left was swept');
  second.child.kill('SIGINT');
  const { code, stdout } = await second.ended;
  expect(code).toBe(130);
  for (const line of stdout.trimEnd().split('\n')) expect(line).toMatch(/^(\d\d:\d\d:\d\d .*)?$/);
  expect(await leftBehind(tree)).toEqual([]);
});

test('an Ansible layer converges over its last container, then is built clean; only that is recorded', async () => {
  for (const [file, text] of Object.entries(ANSIBLE)) await tree.write(file, text);
  const tasks = (command: string) =>
    tree.write(TASKS, `- name: say it\n  ansible.builtin.raw: ${command} > /etc/motd\n`);
  const watch = tree.start(['watch', 'played', '--output', 'json'], { CI: undefined });
  const content = () => readFile(path.join(tree.root, '.layers/records/played.json'), 'utf8');
  await watch.seen(/"type":"run-finished"/);
  const first = await content();

  // A mistake: told with its task and file, then tried clean once; the same saved again is not.
  const template = 'playbooks/roles/motd/templates/motd.j2';
  await tree.write(template, '{{ no_such_variable }}\n');
  await watch.seen(
    /"converge-failed",.*TASK \[motd : say it\] \(playbooks\/roles\/motd\/tasks\/main.yaml:1\).*no_such_variable/,
  );
  await watch.seen(/"outcome":"failed".*no_such_variable.*"kept":\{"step":"playbook site.yaml"\}/);
  const before = await runs();
  await tree.write(template, '{{ no_such_variable }}\n');
  await watch.seen(/"type":"watch-still-failed"/);
  expect([await runs(), await content()]).toEqual([before, first]);

  // Not idempotent: it fails over the last container, and is built from the parent all the same.
  await tasks('test ! -e /etc/motd && echo second');
  await watch.seen(/(?:"converge-failed"[\s\S]*){2}"outcome":"built"/);
  const second = await content();
  expect(second).not.toEqual(first);

  // Killed while the clean build is waited for: the container that is kept open is swept by the next start.
  await tasks('echo third');
  await watch.seen(/"type":"converged","id":"played"/);
  watch.child.kill('SIGKILL');
  const { events } = await watch.ended;
  expect(await content()).toEqual(second);
  const playbook = 'playbook site.yaml';
  expect(stepsOf(events)).toEqual([playbook, 'converge-failed', playbook, 'commit', 'built']);
  expect(await leftBehind(tree)).not.toEqual([]);
  await tasks('test ! -e /etc/motd && echo second');
  const next = await tree.layers(['build', 'played', '--no-publish']);
  expect(next.stdout + next.stderr).toMatch(/was killed; what it left was swept/);
  expect(await leftBehind(tree)).toEqual([]);
});

/** What the last whole run did for its layer. */
function stepsOf(events: readonly Record<string, unknown>[]): unknown[] {
  const whole = events.slice(
    0,
    events.findLastIndex(({ type }) => type === 'run-finished'),
  );
  const last = whole.slice(whole.findLastIndex(({ type }) => type === 'run-started'));
  const steps = last.map(({ type, step, summary }) => {
    if (type === 'step-started') return step;
    return type === 'layer-finished' ? (summary as { outcome: string }).outcome : type;
  });
  return steps.filter((one) => /playbook|converge|commit|built/.test(String(one)));
}

test('too few watches for this user are refused with what to set; polling does without', async () => {
  const limited = (...args: string[]) =>
    tree.storage.exec(
      'unshare',
      ['-Ur', 'sh', '-c', 'echo 2 > /proc/sys/user/max_inotify_watches && exec "$@"', 'sh', BIN, ...args],
      { cwd: tree.root, env: { LAYERS_SOURCES: '1' }, accept: [0, 2, 124], quiet: true },
    );
  const refused = await limited('watch');
  expect(refused.exitCode).toBe(2);
  expect(refused.tail.join('\n')).toMatch(/sysctl fs\.inotify\.max_user_watches=\d+[\s\S]*--poll/);
});
