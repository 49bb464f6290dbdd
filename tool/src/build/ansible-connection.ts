import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { CommandFailure } from '../system/command.ts';
import { isOwn } from '../system/own-words.ts';
import { endProcesses, findProcesses } from '../system/processes.ts';
import type { Workspace } from '../system/workspace.ts';
import { ownFolder } from './ansible-environment.ts';
import type { BuildTarget } from './builder.ts';

/**
 * A way for ansible-playbook into one working container, by `tool/ansible/connection_plugins/layers.py`. Open from
 * `openConnection` to `close`: any number of playbooks may be played meanwhile, also several at a time, and whoever plays over
 * the same container again and again keeps it open and hands it to the builder (`BuildTarget.connection`).
 */
export interface ContainerConnection {
  /** What ansible-playbook needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Between two tasks: starts the agent where it could not start before for want of a Python, which a task may have installed. */
  renew(): void;
  /** Ends all that runs in the container by this connection, and waits for that. */
  close(): Promise<void>;
}

/** What Ansible calls it, in an inventory's `ansible_connection`. */
export const CONNECTION_NAME = 'layers';

/** With that the container says that it has no Python to run the agent. */
const NO_PYTHON = 96;
/** In the order of Ansible's own discovery; Python 2 is none. */
const PYTHONS =
  'python3 /usr/libexec/platform-python /usr/bin/python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 python3.7 python3.6';
/** Nothing of the image's Python settings counts, and nothing compiled is left in the image. */
const BOOT = 'import sys;r=sys.stdin.buffer;n,t,a=r.read(int(r.read(10))).split(b"\\n",2);exec(a);main(n,t,a)';
const START = `for p in ${PYTHONS}; do command -v "$p" >/dev/null 2>&1 && exec "$p" -I -S -B -c '${BOOT}'; done; exit ${NO_PYTHON}`;
/** Of the agent: one text, in this order. */
const SOURCES = ['layers_agent.py', 'layers_child.py', 'layers_interpreters.py', 'layers_modules.py'];
/** How long an agent may take to end by itself. */
const END_MS = 5000;
const REASON_LINES = 5;

type State = { readonly state: 'starting' | 'ready' | 'none' } | { readonly state: 'ended'; readonly reason: string };

/** Starts the agent, and does not wait for it: Ansible takes longer to get to its first task. */
export async function openConnection(
  { container }: Pick<BuildTarget, 'container'>,
  workspace: Workspace,
): Promise<ContainerConnection> {
  const folder = path.join(workspace.temporary, 'ansible');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const sources = SOURCES.map((name) => readFile(path.join(ownFolder(), 'agent', name), 'utf8'));
  const source = (await Promise.all(sources)).join('\n');
  return new Connection(container, workspace, path.join(folder, 'connection.json'), source);
}

class Connection implements ContainerConnection {
  readonly environment: Readonly<Record<string, string>>;
  readonly #container: string;
  readonly #workspace: Workspace;
  readonly #file: string;
  readonly #source: string;
  readonly #stopping = new AbortController();
  #state: State = { state: 'starting' };
  #stdin = new PassThrough();
  #running: Promise<void>;

  constructor(container: string, workspace: Workspace, file: string, source: string) {
    this.#container = container;
    this.#workspace = workspace;
    this.#file = file;
    this.#source = source;
    this.environment = { LAYERS_ANSIBLE_CONNECTION: file };
    this.#running = this.#begin();
  }

  renew(): void {
    if (this.#state.state === 'none') this.#running = this.#begin();
  }

  async close(): Promise<void> {
    // Asynchronous tasks leave the agent, its session and, by buildah, its open files. What is left of it is their root, below TMPDIR,
    // and that can be seen as long as the agent runs.
    const inside = findProcesses({ below: this.#workspace.temporary });
    this.#stdin.end();
    const limit = setTimeout(() => this.#stopping.abort(), END_MS);
    try {
      await this.#running;
    } finally {
      clearTimeout(limit);
      await endProcesses(() => inside, END_MS);
      rmSync(this.#file, { force: true });
    }
  }

  /** What goes wrong here itself, as on a full disk, is told by `close`, which comes much later. */
  #begin(): Promise<void> {
    const running = this.#start();
    running.catch(() => undefined);
    return running;
  }

  /** Resolves when the agent has ended, however that was. */
  async #start(): Promise<void> {
    const place = { socket: `layers-${randomUUID()}`, token: randomUUID() };
    const text = `${place.socket}\n${place.token}\n${this.#source}`;
    const say = (state: State) => this.#say(state, place);
    let isReady = false;
    say({ state: 'starting' });
    this.#stdin = new PassThrough();
    this.#stdin.write(`${String(Buffer.byteLength(text)).padStart(10, '0')}${text}`);
    try {
      const { exitCode } = await this.#workspace.buildah.run(this.#container, ['/bin/sh', '-c', START], {
        input: this.#stdin,
        collect: false,
        quiet: true,
        // The image's user may be another one; Ansible's is chosen for each command.
        extra: ['--user', '0:0'],
        accept: [0, NO_PYTHON],
        signal: this.#stopping.signal,
        onLine: (line, stream) => {
          if (isReady || stream !== 'stdout' || line !== 'ready') return;
          isReady = true;
          try {
            say({ state: 'ready' });
          } catch {
            // Nobody could be told where it is; the end of it tells the same failure.
            this.#stopping.abort();
          }
        },
      });
      say(exitCode === NO_PYTHON ? { state: 'none' } : { state: 'ended', reason: '' });
    } catch (error) {
      const reason = reasonOf(error);
      const isCancelled = error instanceof CommandFailure && error.reason === 'cancelled';
      // A Python that does not work may be what the playbook is about to mend.
      if (!isReady && !isCancelled)
        this.#workspace.say(`no agent in the container, so one process a command: ${reason}`);
      say(isReady || isCancelled ? { state: 'ended', reason } : { state: 'none' });
    }
  }

  /** A whole file at any time, for whoever reads it. */
  #say(state: State, place: { readonly socket: string; readonly token: string }): void {
    this.#state = state;
    const run = this.#workspace.buildah.runCommand;
    const text = JSON.stringify({ container: this.#container, ...state, ...place, run });
    writeFileSync(`${this.#file}.new`, text, { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof CommandFailure)) return String(error);
  const { exitCode, signal, tail } = error.result;
  if (exitCode === null && signal === null) return error.message;
  const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`;
  const said = tail.filter((line) => line.trim() !== '' && line !== 'ready' && !isOwn(line));
  return [how, ...said.slice(-REASON_LINES)].join('\n');
}
