import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { registryService } from './services.ts';
import { addSmallImage, createTree, type Ended, outcomes, type TestTree } from './tree.ts';

/** In a shell without other programs than `pause`: makes `started-N` in a folder and goes on when there is `go-N`. */
const wait = (folder: string, pause: string) =>
  `n=0; while [ -e ${folder}/started-$n ]; do n=$((n+1)); done; : > ${folder}/started-$n; while [ ! -e ${folder}/go-$n ]; do ${pause} 0.05; done`;

/** What was left of a build in whose middle something happened. */
interface Disturbed {
  readonly ended: Ended;
  /** Tags in the registry that the disturbed build added or moved. */
  readonly pushed: readonly string[];
  readonly recorded: readonly string[];
  /** How many builds waited. */
  readonly builds: number;
}

/** `copied` copies `files`; `site` looks at all kinds of things, then waits, then looks again. Both go to a registry. */
export interface MeanwhileTree extends TestTree {
  file(name: string): string;
  /** As it was at the start, without state. */
  reset(): Promise<void>;
  /** Builds a layer, `edit` while the first build waits. Looks at what is out when the second one waits, or all has ended. */
  disturb(name: string, edit: () => Promise<void> | void): Promise<Disturbed>;
  /** A file of the image that was published. */
  published(name: string, file: string): Promise<string>;
}

const FILES: Readonly<Record<string, string>> = {
  'files/motd': 'welcome\n',
  'inventory/hosts': '[compute]\n',
  'inventory/group_vars/compute.yaml': 'word: plain\n',
  'inventory/dynamic.sh': '#!/bin/sh\ncat "$(dirname "$0")/../dynamic.json"\n',
  'dynamic.json': '{"compute": {"vars": {"said": "once"}}, "_meta": {"hostvars": {}}}\n',
  'playbooks/templates/page.j2': 'page',
  'playbooks/files/second.txt': 'second',
  'playbooks/files/globbed/one': '1',
};

/** `behind`: a shell's words, for when the play has waited and looked; it runs in the folder of the playbook. */
const playbook = (signals: string, behind: string) => `
- hosts: compute
  gather_facts: false
  tasks:
    - set_fact: {first: "{{ lookup('template', 'page.j2') }}{{ word }}{{ said }}"}
    - set_fact: {waited: "{{ lookup('pipe', wait) }}"}
    - ansible.builtin.raw: >-
        echo '{{ first }} {{ lookup('first_found', ['first.txt', 'second.txt']) | basename }}
        {{ 'flagged' if (playbook_dir ~ '/flag') is exists else 'plain' }}
        {{ query('fileglob', 'globbed/*') | map('basename') | join(',') }}' > /etc/site
      args: {executable: /bin/sh}
    - set_fact: {behind: "{{ lookup('pipe', behind) }}"}
  vars:
    wait: ${JSON.stringify(wait(signals, 'sleep'))}
    behind: ${JSON.stringify(behind)}
`;

export async function createMeanwhileTree(behind: string): Promise<MeanwhileTree> {
  const { host } = await registryService();
  const tree = await createTree();
  const signals = path.join(tree.storage.folder, 'signals');
  const file = (name: string) => path.join(tree.root, name);
  const settings = "defaults: {registry_opts_push: '--tls-verify=false', registry_opts_pull: '--tls-verify=false'}\n";
  await tree.write('layers.yaml', settings);
  const copied = wait('/signals', '/bin/busybox sleep');
  await tree.write(
    'layers/copied.yaml',
    `
options: {layer_type: base, name: copied, pkg_manager: apt, parent: 'oci:small:1', publish_registry: ${host}/meanwhile}
copyfiles: [{src: files, dest: /opt}]
cmds: [{cmd: ${JSON.stringify(copied)}, buildah_extra_args: ['--volume', '${signals}:/signals']}]
`,
  );
  await tree.write(
    'layers/site.yaml',
    `
options: {layer_type: ansible, name: site, parent: 'oci:small:1', publish_registry: ${host}/meanwhile, groups: [compute],
  playbooks: [playbooks/site.yaml], inventory: [inventory]}
`,
  );
  await addSmallImage(tree);

  /** Everything under a name in the registry: tag → digest. */
  async function tags(name: string): Promise<Map<string, string>> {
    const url = `http://${host}/v2/meanwhile/${name}`;
    const answer = (await (await fetch(`${url}/tags/list`)).json()) as { tags?: string[] | null };
    const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
    const digests = (answer.tags ?? []).map(async (tag): Promise<[string, string]> => {
      const head = await fetch(`${url}/manifests/${tag}`, { method: 'HEAD', headers });
      return [tag, head.headers.get('docker-content-digest') ?? `status ${head.status}`];
    });
    return new Map(await Promise.all(digests));
  }

  const started = (build: number) => existsSync(`${signals}/started-${build}`);
  const goOn = (build: number) => writeFileSync(`${signals}/go-${build}`, '');

  function clear(): void {
    rmSync(signals, { recursive: true, force: true });
    mkdirSync(signals);
  }

  return {
    ...tree,
    file,
    async reset() {
      for (const name of ['.layers', 'files', 'inventory', 'playbooks'])
        rmSync(file(name), { recursive: true, force: true });
      for (const [name, text] of Object.entries(FILES)) await tree.write(name, text);
      await tree.write('playbooks/site.yaml', playbook(signals, behind));
      chmodSync(file('inventory/dynamic.sh'), 0o755);
    },
    async disturb(name, edit) {
      clear();
      const before = await tags(name);
      const running = tree.start(['build', name, '--force', '--output', 'json']);
      let hasEnded = false;
      const ended = running.ended.finally(() => {
        hasEnded = true;
      });
      const until = async (build: number) => {
        while (!started(build) && !hasEnded) await sleep(20);
      };
      await until(0);
      if (!started(0)) throw new Error(`it ended before it waited:\n${JSON.stringify(await ended, null, 1)}`);
      // File systems stamp by the tick of their clock.
      await sleep(30);
      await edit();
      await sleep(30);
      goOn(0);
      await until(1);
      const now = await tags(name);
      const pushed = [...now].filter(([tag, digest]) => before.get(tag) !== digest).map(([tag]) => tag);
      const records = file('.layers/records');
      const all = existsSync(records) ? readdirSync(records, { recursive: true }).map(String) : [];
      const recorded = all.filter((one) => one.includes(name));
      for (const build of [1, 2]) goOn(build);
      await ended;
      return { ended: await ended, pushed, recorded, builds: [0, 1, 2].filter(started).length };
    },
    async published(name, inside) {
      const { exec } = tree.storage;
      const from = ['from', '--pull-always', '--tls-verify=false', `${host}/meanwhile/${name}:latest`];
      const container = (await exec('buildah', from, { quiet: true })).stdout.trim();
      const mounted = (await exec('buildah', ['mount', container], { quiet: true })).stdout.trim();
      const text = readFileSync(path.join(mounted, inside), 'utf8');
      await exec('buildah', ['rm', container], { quiet: true });
      return text.trim();
    },
  };
}

/** The first build was thrown away, and the second one was kept. */
export function expectDiscarded({ ended, pushed, recorded, builds }: Disturbed, name: string): void {
  expect([ended.code, outcomes(ended), ended.stderr]).toEqual([0, { [name]: 'built' }, '']);
  expect({ pushed, recorded, builds }).toEqual({ pushed: [], recorded: [], builds: 2 });
  const finished = ended.events.filter((event) => event.type === 'layer-finished');
  expect(JSON.stringify(finished)).toContain('files changed while it was built');
}

/** One build, which was kept. */
export function expectKept({ ended, recorded, builds }: Disturbed, name: string): void {
  expect([ended.code, outcomes(ended), ended.stderr]).toEqual([0, { [name]: 'built' }, '']);
  expect({ builds, recorded: recorded.length > 0 }).toEqual({ builds: 1, recorded: true });
}
