import type { ParseArgsOptionDescriptor } from 'node:util';
import type { CommandRun } from './command.ts';
import { telling } from './telling.ts';

/** An option: what `parseArgs` needs, and a line of help. */
export interface OptionHelp extends ParseArgsOptionDescriptor {
  readonly help: string;
  /** Name of the value in the help, for options that take one. */
  readonly value?: string;
  /** The value may be left out: it is empty then. */
  readonly optional?: boolean;
  /** The values that are allowed; anything else is refused with this list. */
  readonly among?: readonly string[];
}

export interface CommandEntry {
  readonly usage: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, OptionHelp>>;
  /** How many positionals it takes at most; undefined: any number. */
  readonly positionals?: number;
  load(): Promise<{ readonly run: CommandRun }>;
}

export const COMMON: Readonly<Record<string, OptionHelp>> = {
  root: {
    type: 'string',
    value: 'DIR',
    help: 'root of the tree (default: the nearest folder upwards that holds layers/)',
  },
  state: { type: 'string', value: 'DIR', help: 'folder for records, logs and caches (default: .layers in the root)' },
  output: { type: 'string', value: 'KIND', among: ['auto', 'tty', 'plain', 'json'], help: 'auto, tty, plain or json' },
  'log-level': {
    type: 'string',
    value: 'LEVEL',
    among: ['debug', 'info', 'warning', 'error'],
    help: 'debug, info, warning or error',
  },
  help: { type: 'boolean', short: 'h', help: 'this text' },
};

const SELECTION: Readonly<Record<string, OptionHelp>> = {
  all: { type: 'boolean', help: 'every layer but those with manual: true (also the meaning of no selector)' },
  only: { type: 'boolean', help: 'exactly what is named, on parents as last recorded' },
  exclude: { type: 'string', multiple: true, value: 'SELECTOR', help: 'not these, nor what stands on them' },
  affected: {
    type: 'string',
    value: 'REF',
    optional: true,
    help: 'only what changed since HEAD left REF (default: the default branch), and what stands on it',
  },
  force: { type: 'boolean', help: 'build what is named although nothing changed' },
  'no-publish': { type: 'boolean', help: 'nothing leaves the machine' },
  cache: {
    type: 'string',
    value: 'MODE',
    among: ['read', 'write', 'off'],
    help: 'shared builds: use them (read), and keep ours for others (write, the default), or neither (off)',
  },
  refresh: { type: 'boolean', help: 'look outside, and rebuild what stands on images and repositories that moved' },
  locked: { type: 'boolean', help: 'fail when layers.lock does not say all that is used from outside' },
  emulate: {
    type: 'boolean',
    help: 'build other architectures than that of this machine too, where qemu is registered',
  },
  verify: { type: 'boolean', help: 'ask the destinations instead of believing the records (default when CI is set)' },
};

const JSON_OPTION: OptionHelp = { type: 'boolean', help: 'one JSON document' };

const AT: OptionHelp = {
  type: 'string',
  value: 'PLACE',
  among: ['packages', 'files', 'failed'],
  help: 'after its packages or its files instead, or where its build failed (kept by --keep-failed)',
};

/** Every command, in the order of the help. Nothing is loaded before it is used. */
const ENTRIES: Readonly<Record<string, CommandEntry>> = {
  build: {
    usage: 'build [SELECTOR…]',
    summary: 'build and publish what is not in line with the tree',
    options: {
      ...SELECTION,
      'keep-going': { type: 'boolean', short: 'k', help: 'after a failure, go on with what does not stand on it' },
      jobs: { type: 'string', short: 'j', value: 'N', help: 'layers at once (default: cores, at least 2)' },
      'keep-failed': {
        type: 'boolean',
        help: "keep the container of a layer that fails: 'layers shell LAYER --at failed' goes there",
      },
      'dry-run': { type: 'boolean', help: 'only say what would be done' },
      lock: {
        type: 'string',
        value: 'wait|fail',
        among: ['wait', 'fail'],
        help: 'when another run has a layer (default: wait)',
      },
    },
    load: () => import('./build.ts'),
  },
  watch: {
    usage: 'watch [SELECTOR…]',
    summary: 'build what is stale, then again whenever something changes',
    options: {
      exclude: SELECTION.exclude as OptionHelp,
      publish: { type: 'boolean', help: 'publish and share what is built; without it nothing leaves the machine' },
      clean: { type: 'boolean', help: 'clean builds at once, no playbook over the last good container first' },
      poll: { type: 'boolean', help: "look for changes twice a second instead of using the kernel's watches" },
      jobs: { type: 'string', short: 'j', value: 'N', help: 'layers at once (default: cores, at least 2)' },
    },
    load: () => import('./watch.ts'),
  },
  plan: {
    usage: 'plan [SELECTOR…]',
    summary: 'what would be done, and why',
    options: {
      ...SELECTION,
      json: JSON_OPTION,
      'exit-code': { type: 'boolean', help: 'exit 3 when there is something to do' },
    },
    load: () => import('./plan.ts'),
  },
  why: {
    usage: 'why LAYER',
    summary: 'what changed since the layer was last built and published',
    options: {
      json: JSON_OPTION,
      affected: SELECTION.affected as OptionHelp,
      verify: SELECTION.verify as OptionHelp,
      against: {
        type: 'string',
        value: 'RUN|REF',
        help: 'compare with a run, a commit, a published image or a recipe key instead of the record',
      },
    },
    positionals: 1,
    load: () => import('./why.ts'),
  },
  lock: {
    usage: 'lock [SELECTOR…]',
    summary: 'write what parents and package repositories are now into layers.lock',
    options: { check: { type: 'boolean', help: 'write nothing; exit 3 when it would change' } },
    load: () => import('./lock.ts'),
  },
  outdated: {
    usage: 'outdated [SELECTOR…]',
    summary: 'what moved outside since the last builds: parents, package repositories, packages',
    options: { json: JSON_OPTION, 'exit-code': { type: 'boolean', help: 'exit 3 when something moved' } },
    load: () => import('./outdated.ts'),
  },
  list: {
    usage: 'list [SELECTOR…]',
    summary: 'layers, parents and destinations',
    options: { json: JSON_OPTION },
    load: () => import('./list.ts'),
  },
  show: {
    usage: 'show LAYER',
    summary: 'what a layer ends up with after defaults and links',
    options: { json: JSON_OPTION },
    positionals: 1,
    load: () => import('./show.ts'),
  },
  inputs: {
    usage: 'inputs LAYER',
    summary: 'what a layer reads, and what brought each in',
    options: { json: JSON_OPTION },
    positionals: 1,
    load: () => import('./inputs.ts'),
  },
  shell: {
    usage: 'shell LAYER',
    summary: 'a shell inside a layer as it was last built; nothing of it stays',
    options: { at: AT },
    positionals: 1,
    load: () => import('./shell.ts'),
  },
  run: {
    usage: 'run LAYER -- COMMAND…',
    summary: 'one command inside a layer as it was last built; its exit code is ours',
    options: { at: AT },
    load: () => import('./run.ts'),
  },
  graph: {
    usage: 'graph',
    summary: 'the layer graph',
    options: {
      format: {
        type: 'string',
        value: 'FORMAT',
        among: ['tree', 'dot', 'mermaid', 'json'],
        help: 'tree (default), dot, mermaid or json',
      },
    },
    positionals: 0,
    load: () => import('./graph.ts'),
  },
  validate: {
    usage: 'validate',
    summary: 'check every layer file',
    options: { json: JSON_OPTION },
    positionals: 0,
    load: () => import('./validate.ts'),
  },
  prune: {
    usage: 'prune',
    summary: 'take away what nothing needs any more: images, checkpoints, downloaded packages, logs',
    options: {
      'dry-run': { type: 'boolean', help: 'only say what would go, and how many bytes' },
      'older-than': { type: 'string', value: 'AGE', help: 'only what was not used for so long: 12h, 7d, 4w' },
      'max-size': { type: 'string', value: 'SIZE', help: 'only what it takes to get below it, the oldest first: 20G' },
      'keep-last': { type: 'string', value: 'N', help: 'the last builds of each layer stay (default: 3)' },
      registry: { type: 'boolean', help: 'where builds are shared instead of this machine' },
      verbose: { type: 'boolean', short: 'v', help: 'each thing, and why it stays' },
      json: JSON_OPTION,
      lock: {
        type: 'string',
        value: 'wait|fail',
        among: ['wait', 'fail'],
        help: 'when a build is running (default: wait)',
      },
    },
    positionals: 0,
    load: () => import('./prune.ts'),
  },
  init: {
    usage: 'init --from DIR [TARGET]',
    summary: "make a tree of a folder of image-build's files",
    options: { from: { type: 'string', value: 'DIR', help: 'the folder; nothing in it is changed' } },
    positionals: 1,
    load: () => import('./init.ts'),
  },
  schema: {
    usage: 'schema',
    summary: 'JSON Schema of a layer file, for editors',
    options: {
      settings: { type: 'boolean', help: 'of layers.yaml instead' },
      docs: { type: 'boolean', help: 'as a Markdown reference' },
    },
    positionals: 0,
    load: () => import('./schema.ts'),
  },
  doctor: {
    usage: 'doctor',
    summary: 'check this machine',
    options: { json: JSON_OPTION },
    positionals: 0,
    load: () => import('./doctor.ts'),
  },
};

export const COMMANDS: Readonly<Record<string, CommandEntry>> = Object.fromEntries(
  Object.entries(ENTRIES).map(([name, entry]) => [name, telling(entry)]),
);
