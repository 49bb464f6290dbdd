import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listProcesses } from '../../tool/src/system/processes.ts';
import { type BuildPlace, buildLayer } from '../helpers/build-layer.ts';
import { byTheCollection } from '../helpers/by-the-collection.ts';
import { differences, listImage } from '../helpers/compare-trees.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { layer } from '../helpers/layers.ts';
import { placeWith } from '../helpers/place-with.ts';

let storage: ContainerStorage;
let place: BuildPlace;
/** With Python and sudo. */
let base: string;
/** The same, where nobody finds Python until it is moved back. */
let hidden: string;

/** Bytes; the rest of it is a hole, which is read as zeros. */
const LARGE = 200 << 20;

/** Kills the oldest process of the agent that it descends from: others on this machine are not ours. */
const KILL_AGENT = `
p=$$
while [ "$p" -gt 1 ]; do
  p=$(sed -n 's/^PPid:\\t//p' "/proc/$p/status")
  if tr '\\0' ' ' < "/proc/$p/cmdline" | grep -q 'python3 -I -S -B'; then agent=$p; elif [ -n "$agent" ]; then break; fi
done
kill -9 "$agent"
sleep 100
`;

const FILES: Readonly<Record<string, string>> = {
  'files/script.sh': '#!/bin/sh\necho "script $1 $(id -u)"\n',
  'compared.yaml': `
- hosts: all
  gather_facts: false
  tasks:
    - copy: { content: "one\\n", dest: /etc/one, mode: '0640' }
    - template: { src: t.j2, dest: /etc/two }
    - shell: umask > /etc/umask; pwd > /etc/pwd; env | grep -Ev '^(SHLVL|HOSTNAME)=' | sort > /etc/environment-of-a-task; id > /etc/id
    - user: { name: worker, uid: 1500, password: '!' }
    - raw: touch /etc/raw
`,
  'templates/t.j2': '{{ inventory_hostname }}\n',
  'all-kinds.yaml': `
- hosts: all
  gather_facts: false
  tasks:
    - command: printf '\\377\\376ok'
      register: bytes
    - raw: printf '\\377ok'
      register: raw
    - shell: echo "$TOLD"; exit 3
      environment: { TOLD: 'a b' }
      register: told
      failed_when: told.rc != 3
    - raw: kill -9 $$
      register: killed
      failed_when: killed.rc != 137
    - script: files/script.sh argument
      register: script
    - meta: reset_connection
    - command: echo here
      delegate_to: localhost
      vars: { ansible_connection: local, ansible_python_interpreter: auto_silent }
      register: delegated
    - assert:
        that:
          - bytes.stdout.endswith('ok')
          - raw.stdout.endswith('ok')
          - told.stdout == 'a b'
          - script.stdout_lines == ['script argument 0']
          - delegated.stdout == 'here'
`,
  'become.yaml': `
- hosts: all
  gather_facts: false
  tasks:
    - user: { name: worker, uid: 1500, shell: /bin/sh, password: "{{ 'open sesame' | password_hash('sha512', 'salt') }}" }
    - copy: { content: "worker ALL=(ALL) ALL\\n", dest: /etc/sudoers.d/worker, mode: '0440' }
    - { command: id -un, become: true, become_user: worker, become_method: su, register: su }
    - { command: id -un, become: true, become_user: worker, become_method: sudo, register: sudo }
    - shell: echo "$HOME"; id -Gn
      vars: { ansible_user: worker }
      register: worker
    - copy: { content: "theirs\\n", dest: /home/worker/theirs }
      vars: { ansible_user: worker }
    - { stat: { path: /home/worker/theirs }, register: theirs }
    - { command: id -un, become: true, register: root, vars: { ansible_user: worker, ansible_become_password: open sesame } }
    - { command: id -un, become: true, register: wrong, ignore_errors: true, vars: { ansible_user: worker, ansible_become_password: wrong } }
    - assert:
        that:
          - su.stdout == 'worker'
          - sudo.stdout == 'worker'
          - worker.stdout_lines == ['/home/worker', 'worker']
          - theirs.stat.pw_name == 'worker'
          - root.stdout == 'root'
          - root.stderr == ''
          - wrong.msg == 'Incorrect sudo password'
`,
  'async.yaml': `
- hosts: all
  gather_facts: false
  tasks:
    - { shell: 'sleep 1; echo late > /etc/late', async: 60, poll: 0, register: job }
    - { shell: 'echo $$ > /etc/left; exec sleep 1000', async: 2000, poll: 0 }
    - { shell: 'echo $$ > /etc/timed; exec sleep 1000', timeout: 5, ignore_errors: true }
    - shell: for i in $(seq 100); do kill -0 $(cat /etc/timed) || exit 0; sleep 0.1; done; exit 1
    - async_status: { jid: '{{ job.ansible_job_id }}' }
      register: status
      until: status.finished
      retries: 60
      delay: 1
    - { wait_for: { path: /etc/left, sleep: 1, timeout: 60 } }
`,
  'large.yaml': `
- hosts: all
  gather_facts: false
  tasks:
    - { copy: { src: files/large, dest: /var/large } }
    - { fetch: { src: /var/large, dest: '{{ playbook_dir }}/fetched', flat: true } }
    - { file: { path: /var/large, state: absent } }
`,
  'kill-agent.yaml': `
- hosts: all
  gather_facts: false
  tasks:
    - name: last words
      shell: { cmd: ${JSON.stringify(KILL_AGENT)} }
      # Else it would descend from an interpreter.
      vars: { ansible_pipelining: false }
`,
  'no-python.yaml': `
- hosts: all
  gather_facts: false
  tasks:
    - { raw: 'id -u; cat', register: id }
    - { script: files/script.sh without, register: script }
    - raw: mv /opt/hidden/* /usr/bin/
    - { command: echo with Python, register: command }
    - assert:
        that:
          - id.stdout_lines == ['0']
          - script.stdout_lines == ['script without 0']
          - command.stdout == 'with Python'
`,
  'long.yaml': `
- hosts: all
  gather_facts: false
  tasks:
    - name: long
      shell: echo $$ > /etc/long; exec sleep 1000
`,
};

beforeAll(async () => {
  storage = await createContainerStorage();
  place = await placeWith(FILES, storage);
  const { root } = place;
  const large = await open(path.join(root, 'files/large'), 'w');
  await large.write(randomBytes(1 << 20));
  await large.truncate(LARGE);
  await large.close();
  const packages = ['python3', 'sudo'];
  base = (await buildLayer(layer('base', { suite: 'bookworm' }, { packages }), 'scratch', place)).image;
  const cmds = ['mkdir /opt/hidden && mv /usr/bin/python3* /opt/hidden'];
  hidden = (await buildLayer(layer('hidden', {}, { cmds }), base, place)).image;
});
afterAll(() => storage?.[Symbol.asyncDispose]());

const ansible = (playbooks: string, options: Record<string, unknown> = {}) =>
  layer('l', { layer_type: 'ansible', name: 'node', pkg_manager: undefined, playbooks, ...options });
const play = (playbook: string, check?: Parameters<typeof buildLayer>[3]) =>
  buildLayer(ansible(playbook), base, place, check);
const runs = (pid: number) => listProcesses().some((entry) => entry.pid === pid);
const pidIn = (file: string) => Number(readFileSync(file, 'utf8'));

test("an image is the same as by the collection's connection", async () => {
  const collection = ansible('compared.yaml', { connection: 'containers.podman.buildah' });
  const theirs = await byTheCollection(() => buildLayer(collection, base, place));
  const ours = await play('compared.yaml');
  const listings = [await listImage(theirs.image, storage), await listImage(ours.image, storage)] as const;
  expect(differences(...listings, { times: false })).toEqual([]);
});

test('bytes, exit codes, environment, scripts, delegation', async () => {
  await play('all-kinds.yaml');
});

test('other users: by su and sudo, with and without a password, and as remote user', async () => {
  await play('become.yaml');
});

test('asynchronous tasks go on between others and end with the playbooks; a time limit ends what runs', async () => {
  let left = 0;
  await play('async.yaml', (mounted) => {
    expect(readFileSync(path.join(mounted, 'etc/late'), 'utf8')).toBe('late\n');
    left = pidIn(path.join(mounted, 'etc/left'));
  });
  expect(left).toBeGreaterThan(1);
  expect(runs(left)).toBe(false);
});

test('a file of 200 MiB there and back', async () => {
  await play('large.yaml');
  const fetched = await open(path.join(place.root, 'fetched'));
  expect((await fetched.stat()).size).toBe(LARGE);
  await fetched.close();
});

test('an agent that is killed is said to be the reason', async () => {
  await expect(play('kill-agent.yaml')).rejects.toThrow(
    /^TASK \[last words\] \(kill-agent\.yaml:5\) could not reach the container: .*the agent in the container ended: (exit code|signal) /s,
  );
});

test('an image without Python, until it has one', async () => {
  const built = await buildLayer(ansible('no-python.yaml'), hidden, place);
  expect(built.output.join('\n')).not.toContain('WARNING');
});

test('an interruption ends what runs inside', async () => {
  const interruption = new AbortController();
  const roots: string[] = [];
  const building = buildLayer(ansible('long.yaml'), base, { ...place, signal: interruption.signal }).catch(
    (error: Error) => error,
  );
  const file = () => roots.map((one) => path.join(one, 'etc/long')).find((one) => existsSync(one));
  for (const started = Date.now(); file() === undefined && Date.now() - started < 120_000; ) {
    await sleep(200);
    const { stdout } = await storage.exec('buildah', ['mount'], { quiet: true });
    roots.splice(0, roots.length, ...stdout.split('\n').flatMap((line) => line.split(/\s+/)[1] ?? []));
  }
  const pid = pidIn(file() ?? '');
  expect(runs(pid)).toBe(true);
  interruption.abort();
  expect(await building).toMatchObject({ reason: 'cancelled' });
  expect(runs(pid)).toBe(false);
});
