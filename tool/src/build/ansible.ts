import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { chosenEnvironment } from '../inputs/environment-inputs.ts';
import { CommandFailure } from '../system/command.ts';
import type { Workspace } from '../system/workspace.ts';
import { collectionsPath, installCollections } from './ansible-collections.ts';
import { CONNECTION_NAME, type ContainerConnection, openConnection } from './ansible-connection.ts';
import { ansibleEnvironment, missedConfigs } from './ansible-environment.ts';
import { type AnsibleEvent, followEvents } from './ansible-events.ts';
import { REMOTE_TEMPORARY, writeInventory } from './ansible-inventory.ts';
import { readTrace, type TraceDefect, traceOutside } from './ansible-trace.ts';
import { withoutBindTargets } from './bind-targets.ts';
import { type AnsibleTrace, type Builder, BuildFailure, type BuildReport, type BuildTarget } from './builder.ts';
import { openscapSteps } from './openscap.ts';
import { proxyVariables } from './proxy.ts';
import { collectRepositories } from './repositories.ts';
import { namesInRoot } from './root-files.ts';
import { STEP_VERSIONS } from './versions.ts';

/** Runs playbooks from the host against the working container. */
export const ansibleBuilder: Builder = {
  stepVersion: STEP_VERSIONS.ansible,
  async build(target, workspace) {
    const { options } = target.layer;
    const folder = path.join(workspace.temporary, 'ansible');
    const files = {
      inventory: path.join(folder, 'inventory'),
      vars: path.join(folder, 'vars.json'),
      events: path.join(folder, 'events'),
      trace: path.join(folder, 'trace'),
      collections: path.join(folder, 'collections'),
    };
    const traces: (AnsibleTrace | TraceDefect)[] = [];
    const used = collectRepositories();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await mkdir(path.join(workspace.temporary, 'ansible-tmp'), { recursive: true });
    const { name, groups, connection } = options;
    await writeInventory(files.inventory, { name, groups, connection, container: target.container });
    await writeFile(files.vars, JSON.stringify(options.vars), { mode: 0o600 });
    await withoutBindTargets(target, async () => {
      if (options.ansible_requirements !== '') {
        const { ANSIBLE_CONFIG: config } = ansibleEnvironment(
          workspace,
          target.resolve(options.playbooks[0] ?? ''),
          files,
        );
        await workspace.step('collections', () => installCollections(files.collections, config, target, workspace));
      }
      await connected(target, workspace, async (connection) => {
        for (const playbook of options.playbooks) {
          await writeFile(files.events, '');
          await writeFile(files.trace, '', { mode: 0o600 });
          const name = `playbook ${path.basename(playbook)}`;
          await workspace.step(name, () => play({ playbook, files, connection }, target, workspace));
          traces.push(readTrace(await readFile(files.trace)));
        }
      });
      const left = (await namesInRoot(target.mountPoint, 'tmp')).filter((name) => name.startsWith(REMOTE_TEMPORARY));
      if (left.length > 0) {
        const folders = left.map((name) => `/tmp/${name}`);
        await workspace.buildah.run(target.container, ['rm', '-rf', '--', ...folders], { quiet: true });
      }
      for (const step of openscapSteps(target, workspace, used)) await workspace.step(step.name, () => step.run());
    });
    const repositories = used.report();
    const report = reportOf(traces, target, workspace);
    return Object.keys(repositories).length === 0 ? report : { ...report, repositories };
  },
};

/** With the connection of the target's owner, or one for this work; another plugin than ours needs none. */
async function connected(
  target: BuildTarget,
  workspace: Workspace,
  work: (connection: ContainerConnection | undefined) => Promise<void>,
): Promise<void> {
  if (target.layer.options.connection !== CONNECTION_NAME || target.connection !== undefined) {
    return work(target.connection);
  }
  const connection = await openConnection(target, workspace);
  try {
    await work(connection);
  } finally {
    await connection.close();
  }
}

/** Without a whole trace there is none: then all counts that the playbooks may read. */
function reportOf(
  traces: readonly (AnsibleTrace | TraceDefect)[],
  { layer, mountPoint, resolve }: BuildTarget,
  workspace: Workspace,
): BuildReport {
  const defect = traces.find((one) => 'defect' in one);
  if (defect !== undefined) {
    workspace.warn(`what Ansible read is not known (${defect.defect}): everything counts that its playbooks may read`);
    return {};
  }
  const whole = traces.filter((one) => !('defect' in one)) as readonly AnsibleTrace[];
  const trace = traceOutside(whole, mountPoint);
  const missed = layer.options.playbooks.flatMap((playbook) => missedConfigs(workspace.root, resolve(playbook)));
  return { trace: { ...trace, probed: [...new Set([...trace.probed, ...missed])] } };
}

interface Files {
  readonly inventory: string;
  readonly vars: string;
  readonly events: string;
  readonly trace: string;
  readonly collections: string;
}

interface Play {
  readonly playbook: string;
  readonly files: Files;
  readonly connection: ContainerConnection | undefined;
}

async function play({ playbook, files, connection }: Play, target: BuildTarget, workspace: Workspace): Promise<void> {
  const file = target.resolve(playbook);
  const seen = new Progress(workspace);
  const own = ansibleEnvironment(workspace, file, files);
  const env = {
    ...proxyVariables(target.layer),
    ...chosenEnvironment(target.layer, process.env),
    ...own,
    ...connection?.environment,
    ...(target.layer.options.ansible_requirements === ''
      ? {}
      : { ANSIBLE_COLLECTIONS_PATH: await collectionsPath(files.collections, own.ANSIBLE_CONFIG) }),
  };
  const args = playbookArguments(file, files, target);
  try {
    await followEvents(
      files.events,
      (event) => {
        seen.take(event);
        if (event.event === 'task') connection?.renew();
      },
      () => workspace.exec('ansible-playbook', args, { cwd: workspace.root, env, collect: false }),
    );
  } catch (error) {
    throw seen.failure(error) ?? refusal(error, playbook, workspace.root) ?? error;
  }
  if (seen.matched === 0) {
    const { name, groups } = target.layer.options;
    throw new BuildFailure(`no play of ${playbook} is for ${name}`, {
      hint: `its groups are: ${groups.join(', ') || 'none'}; \`groups\` under \`options\` adds more`,
    });
  }
}

function playbookArguments(playbook: string, files: Files, { layer: { options }, resolve }: BuildTarget): string[] {
  const inventories = options.inventory.map((one) => (one.includes(',') ? one : resolve(one)));
  const args = [...inventories, files.inventory].flatMap((one) => ['--inventory', one]);
  args.push('--limit', options.name);
  if (Object.keys(options.vars).length > 0) args.push('--extra-vars', `@${files.vars}`);
  if (options.ansible_tags.length > 0) args.push('--tags', options.ansible_tags.join(','));
  if (options.ansible_skip_tags.length > 0) args.push('--skip-tags', options.ansible_skip_tags.join(','));
  const vault = options.ansible_vault_password_file;
  if (vault !== '') args.push('--vault-password-file', resolve(vault));
  if (options.ansible_verbosity > 0) args.push(`-${'v'.repeat(options.ansible_verbosity)}`);
  return [...args, '--', playbook];
}

const SAID = /^(?:ERROR! |\[ERROR\]: )/;
const PLACE = /^The error appears to be in '(.+)': line (\d+)|^Origin: (.+?):(\d+)/;

/** What Ansible itself says of a playbook that it cannot play: in 2.14's words, and in those of 2.19 and later. */
function refusal(error: unknown, playbook: string, root: string): BuildFailure | undefined {
  if (!(error instanceof CommandFailure) || error.reason !== 'exit') return undefined;
  const { tail } = error.result;
  const start = tail.findIndex((line) => SAID.test(line));
  if (start < 0) return undefined;
  const end = tail.findIndex((line, index) => index > start && PLACE.test(line));
  const lines = tail.slice(start, end < 0 ? start + 1 : end).map((line) => line.replace(SAID, '').trim());
  const said = lines.filter((line) => line !== '').join(' ');
  const [, file, line, origin, at] = PLACE.exec(tail[end] ?? '') ?? [];
  const place = file ?? origin;
  const where = place === undefined ? '' : ` (${path.relative(root, place)}:${line ?? at})`;
  return new BuildFailure(`${playbook}: ${said}${where}`, { cause: error });
}

/** What a playbook did so far. */
class Progress {
  /** Plays that were for the layer's host. */
  matched = 0;
  readonly #workspace: Workspace;
  #done = 0;
  #total: number | undefined;
  #failed: Extract<AnsibleEvent, { task: string }> | undefined;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  take(event: AnsibleEvent): void {
    switch (event.event) {
      case 'playbook':
        this.#total = event.total ?? undefined;
        break;
      case 'play':
        this.matched += 1;
        break;
      case 'no_hosts':
        this.matched -= 1;
        break;
      case 'task':
        this.#done += 1;
        // Included files are not known beforehand.
        if (this.#total !== undefined) this.#total = Math.max(this.#total, this.#done);
        this.#workspace.progress(event.name, this.#done, this.#total);
        break;
      case 'handler':
        this.#workspace.progress(event.name, this.#done, this.#total);
        break;
      default:
        this.#failed = event;
    }
  }

  /** The task that a failed run failed at; a failure that was rescued is one only if nothing came after it. */
  failure(error: unknown): BuildFailure | undefined {
    if (this.#failed === undefined || !(error instanceof CommandFailure) || error.reason !== 'exit') return undefined;
    const { event, task, path: place, message } = this.#failed;
    const where = place === '' ? '' : ` (${path.relative(this.#workspace.root, place)})`;
    const what = event === 'failed' ? 'failed' : 'could not reach the container';
    return new BuildFailure(`TASK [${task}]${where} ${what}: ${message}`, { cause: error });
  }
}
