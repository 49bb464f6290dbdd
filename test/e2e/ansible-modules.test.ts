import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, buildLayer } from '../helpers/build-layer.ts';
import { byTheCollection } from '../helpers/by-the-collection.ts';
import { differences, listImage } from '../helpers/compare-trees.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { layer } from '../helpers/layers.ts';

let storage: ContainerStorage;
let place: BuildPlace;
/** With Python and sudo. */
let base: string;

const module = (...lines: readonly string[]) =>
  ['from ansible.module_utils.basic import AnsibleModule', 'import json, os, signal, sys, time', ...lines, ''].join(
    '\n',
  );

const FILES: Readonly<Record<string, string>> = {
  'library/look.py': module(
    'm = AnsibleModule({})',
    'try:',
    '    import told',
    'except ImportError:',
    '    told = None',
    'm.exit_json(',
    '    argv=sys.argv, input=sys.stdin.read(), interpreter=sys.executable, cwd=os.getcwd(), umask=os.umask(0o22),',
    '    ids=[os.getuid(), os.getgid(), os.getgroups()], environment=dict(os.environ), told=getattr(told, "WORD", None),',
    '    command=open("/proc/self/cmdline").read(), threads=open("/proc/self/status").read().count("Threads:\\t1"),',
    '    parent=open("/proc/%d/comm" % os.getppid()).read().strip(), zone=time.tzname,',
    ')',
  ),
  'library/crash.py': module('AnsibleModule({})', 'def crash():', '    raise ValueError("b\\u00f8rk")', 'crash()'),
  'library/killed.py': module('os.kill(os.getpid(), signal.SIGKILL)'),
  'library/left.py': module('AnsibleModule({})', 'os._exit(7)'),
  'library/junk.py': module(
    'os.write(1, b"\\xff\\xfe junk\\n")',
    'os.write(2, b"\\xfd")',
    'AnsibleModule({}).exit_json(word="j\\u00fcnk")',
  ),
  'library/daemon.py': module(
    'm = AnsibleModule({})',
    'if os.fork() == 0:',
    '    os.setsid()',
    '    if os.fork() != 0:',
    '        os._exit(0)',
    '    null = os.open("/dev/null", os.O_RDWR)',
    '    for one in range(3):',
    '        os.dup2(null, one)',
    '    time.sleep(1)',
    '    open("/etc/daemon", "w").write("done\\n")',
    '    os._exit(0)',
    'os.wait()',
    'm.exit_json()',
  ),
  'modules.yaml': `
- hosts: all
  gather_facts: false
  tasks:
    - { user: { name: worker, uid: 1500, password: '!' } }
    - { copy: { content: "worker ALL=(ALL) NOPASSWD: ALL\\n", dest: /etc/sudoers.d/worker, mode: '0440' } }
    - { file: { src: /usr/bin/python3, dest: /opt/python, state: link } }
    - { look: , register: first }
    - { look: , register: plain }
    - { look: , register: told, environment: { TOLD: "it's told", LC_ALL: C, TZ: JST-9 } }
    - { look: , register: other, vars: { ansible_python_interpreter: /opt/python } }
    - { look: , register: became, become: true, become_user: worker, become_method: sudo }
    - { look: , register: remote, vars: { ansible_user: worker } }
    - { look: , register: job, async: 60, poll: 1, when: ours }
    - { file: { path: '{{ folder }}', state: directory } }
    - { copy: { content: "WORD = 'new'\\n", dest: '{{ folder }}/told.py' } }
    # It is written into what Python makes of it.
    - { file: { path: '{{ folder }}/told.py', modification_time: '202001010000.00' } }
    - { look: , register: imported }
    - { file: { src: /usr/share/zoneinfo/Asia/Tokyo, dest: /etc/localtime, state: link, force: true } }
    - { look: , register: moved }
    - { crash: , register: crash, failed_when: crash.rc != 1 }
    - { killed: , register: killed, failed_when: killed.rc != 137 }
    - { left: , register: left, failed_when: left.rc != 7 }
    - { junk: , register: junk }
    - { daemon: }
    - { wait_for: { path: /etc/daemon } }
    - { ping: , register: ping }
    - { raw: /bin/sh -c env, register: raw }
    # What could not clean up has names that nobody else has.
    - shell: rm -r /tmp/ansible_left_payload_* /tmp/ansible_killed_payload_*; rm -rf /root/.ansible_async
    - assert:
        that:
          - (plain.parent == 'python3') == ours
          - (told.parent == 'python3') == ours
          - (other.parent == 'python') == ours
          - (imported.parent == 'python3') == ours
          - became.parent == 'sh' and remote.parent == 'sh'
          - told.environment.TOLD == "it's told"
          - other.interpreter == '/opt/python'
          - became.ids[0] == 1500 and remote.ids[0] == 1500
          - imported.told == 'new'
          - moved.zone[0] == 'JST'
          - crash.module_stderr is search('ValueError')
          - junk.word == 'jünk'
          - ping.ping == 'pong'
          - not ours or job.argv == [job.argv[0]]
    - copy:
        dest: /etc/results
        content: |
          {% for one in [first, plain, told, other, became, remote, imported, moved] %}
          {{ [one.argv, one.input, one.interpreter, one.cwd, one.umask, one.ids, one.told, one.command, one.threads, one.zone] | to_json }}
          {{ one.environment | dict2items | rejectattr('key', 'in', ['HOSTNAME']) | sort(attribute='key') | to_json }}
          {% endfor %}
          {{ raw.stdout_lines | reject('match', 'HOSTNAME=') | sort | to_json }}
          {{ crash.module_stderr | regex_search('(?s)^.*ValueError[^\\n]*') }}
          {{ [crash.msg, killed.msg, left.msg, junk.word] | to_json }}
`,
};

beforeAll(async () => {
  storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  for (const [name, content] of Object.entries(FILES)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
  place = { storage, root, caches: path.join(storage.folder, 'caches') };
  const packages = ['python3', 'sudo', 'tzdata'];
  base = (await buildLayer(layer('base', { suite: 'bookworm' }, { packages }), 'scratch', place)).image;
});
afterAll(() => storage?.[Symbol.asyncDispose]());

test("modules see, do and leave the same as by the collection's connection", async () => {
  const results: string[] = [];
  const images: Awaited<ReturnType<typeof listImage>>[] = [];
  for (const connection of ['containers.podman.buildah', 'layers']) {
    const options = {
      layer_type: 'ansible',
      name: 'node',
      pkg_manager: undefined,
      playbooks: 'modules.yaml',
      connection,
    };
    const vars = { ours: connection === 'layers', folder: '/usr/local/lib/python3.11/dist-packages' };
    const build = () =>
      buildLayer(layer('l', { ...options, vars }), base, place, async (root) => {
        const text = await readFile(path.join(root, 'etc/results'), 'utf8');
        results.push(text.replaceAll(/(?<=payload_|BECOME-SUCCESS-)\w+/g, ''));
      });
    const { image } = connection === 'layers' ? await build() : await byTheCollection(build);
    images.push(await listImage(image, storage));
  }
  const [theirs, ours] = results;
  expect(ours).toBe(theirs);
  const differing = differences(images[0]!, images[1]!, { times: false });
  // It holds names of folders, which no two runs have in common.
  expect(differing.filter((one) => !one.includes('etc/results'))).toEqual([]);
});
