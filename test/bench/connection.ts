import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type BuildPlace, buildLayer } from '../helpers/build-layer.ts';
import { differences, listImage } from '../helpers/compare-trees.ts';
import { createContainerStorage } from '../helpers/container-storage.ts';
import { layer } from '../helpers/layers.ts';
import type { Bench, Table } from './bench.ts';

const ROUNDS = 3;
const CONNECTIONS = ['layers', 'containers.podman.buildah'] as const;

/** Thirty tasks, facts not counted, as a playbook of a real site has them. */
const PLAYBOOK = `
- hosts: all
  vars: { modules: [overlay, nfs, lustre] }
  tasks:
${[
  ...['motd', 'issue', 'hosts.allow', 'nologin', 'environment.d.conf', 'profile.d.sh'].map(
    (name) => `{ copy: { content: "${name}\\n", dest: /etc/site-${name}, mode: '0644' } }`,
  ),
  ...['chrony', 'slurm', 'sssd', 'nfs', 'ldap', 'munge'].map(
    (name) => `{ template: { src: site.j2, dest: /etc/${name}.site, mode: '0640' }, vars: { service: ${name} } }`,
  ),
  ...['id', 'uname -r', 'getent passwd root', 'ls /', 'touch /etc/marked', 'ldconfig'].map(
    (command) => `{ command: ${command} }`,
  ),
  ...['scratch', 'projects', 'software'].map((name) => `{ file: { path: /${name}, state: directory, mode: '1777' } }`),
  '{ file: { src: /software, dest: /opt/software, state: link } }',
  '{ file: { path: /etc/site-nologin, state: absent } }',
  "{ lineinfile: { path: /etc/profile, line: 'umask 027' } }",
  '{ group: { name: hpc, gid: 3000 } }',
  "{ user: { name: operator, uid: 3000, group: hpc, password: '!' } }",
  '{ service: { name: cron, enabled: true } }',
  '{ package: { name: bash, state: present } }',
  '{ package: { name: tree, state: absent } }',
  '{ stat: { path: /etc/marked } }',
]
  .map((task) => `    - ${task}\n`)
  .join('')}`;

/** One playbook over one image by our connection and by the collection's: times, and whether the trees are equal. */
export const connection: Bench = {
  name: 'connection',
  isSlow: true,
  async run({ runs }): Promise<Table[]> {
    await using storage = await createContainerStorage();
    const root = path.join(storage.folder, 'tree');
    mkdirSync(path.join(root, 'templates'), { recursive: true });
    writeFileSync(path.join(root, 'site.yaml'), PLAYBOOK);
    writeFileSync(
      path.join(root, 'templates/site.j2'),
      '{{ service }} {{ modules | join(" ") }} {{ ansible_os_family }}\n',
    );
    const place: BuildPlace = { storage, root, caches: path.join(storage.folder, 'caches') };
    const packages = ['python3', 'python3-apt', 'cron', 'tree'];
    const { image: base } = await buildLayer(layer('base', { suite: 'bookworm' }, { packages }), 'scratch', place);
    const times = CONNECTIONS.map(() => [] as number[]);
    const images: string[] = [];
    for (let round = 0; round < Math.min(runs, ROUNDS); round += 1) {
      for (const [index, name] of CONNECTIONS.entries()) {
        const options = { layer_type: 'ansible', name: 'node', pkg_manager: undefined, playbooks: 'site.yaml' };
        const started = performance.now();
        // Until it would be committed.
        const check = () => void times[index]?.push(performance.now() - started);
        images[index] = (await buildLayer(layer('l', { ...options, connection: name }), base, place, check)).image;
      }
    }
    const [ours = '', theirs = ''] = images;
    const trees = [await listImage(ours, storage), await listImage(theirs, storage)] as const;
    const differing = differences(...trees, { times: false });
    const equality = differing.length === 0 ? 'equal' : ['different', ...differing].join('\n    ');
    const fastest = times.map((one) => Math.min(...one));
    return [
      {
        title: `30 tasks and facts; trees of ${trees[0].size} entries: ${equality}`,
        figures: CONNECTIONS.map((name, index) => {
          const ms = times[index]?.toSorted((a, b) => a - b)[Math.floor((times[index]?.length ?? 0) / 2)] ?? Number.NaN;
          return { name, ms, fastest: fastest[index] ?? Number.NaN, ratio: (fastest[index] ?? 0) / (fastest[0] ?? 1) };
        }),
      },
    ];
  },
};
