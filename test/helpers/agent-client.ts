import { readFileSync } from 'node:fs';
import net from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { openConnection } from '../../tool/src/build/ansible-connection.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import { recordingWorkspace } from './publish-workspace.ts';

/** What `connection.json` says. */
export interface Session {
  readonly state: 'starting' | 'ready' | 'none' | 'ended';
  readonly reason?: string;
  readonly socket: string;
  readonly token: string;
}

interface Answer {
  /** Exit code; undefined when the request was refused, or the connection ended before. */
  readonly code?: number;
  readonly refusal?: string;
  /** Nothing was done; `run` is the way. */
  readonly isDeclined?: boolean;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** An agent on this machine instead of in a container. `has.code`: of an image whose Python is missing (96) or does not work. */
export async function agentHere(folder: string, code?: number) {
  const has = { code };
  const exec = createExec({ env: process.env, graceMs: 500 });
  const buildah = {
    runCommand: ['buildah', 'run'],
    run: (_container, [file = '', ...args], options) =>
      has.code === undefined ? exec(file, args, options) : exec('sh', ['-c', `exit ${has.code}`], options),
  } satisfies Partial<Buildah> as unknown as Buildah;
  const workspace = await recordingWorkspace(folder, { exec, buildah });
  const connection = await openConnection({ container: 'container' }, workspace);
  const file = connection.environment.LAYERS_ANSIBLE_CONNECTION ?? '';
  const state = async (wanted: Session['state']): Promise<Session> => {
    for (;;) {
      const session = JSON.parse(readFileSync(file, 'utf8')) as Session;
      if (session.state === wanted) return session;
      await sleep(10);
    }
  };
  return { connection, state, file, has };
}

type Data = string | Uint8Array | AsyncIterable<Uint8Array> | null;

/** One request, as the plugin makes it. `data` is sent while the answer is read; null: never ended. */
export class AgentRequest {
  readonly socket: net.Socket;
  readonly #done = Promise.withResolvers<Answer>();
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #end: Pick<Answer, 'code' | 'refusal' | 'isDeclined'> = {};

  constructor({ socket, token }: Pick<Session, 'socket' | 'token'>, fields: readonly string[], data: Data = '') {
    this.socket = net.connect({ path: `\0${socket}`, allowHalfOpen: true });
    this.socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.socket.on('error', () => undefined);
    for (const end of ['end', 'close']) this.socket.on(end, () => this.#finish());
    const text = Buffer.from([token, ...fields].join('\0'));
    const head = Buffer.alloc(4);
    head.writeUInt32BE(text.length);
    this.socket.write(Buffer.concat([head, text]));
    if (data === null) return;
    if (typeof data === 'string' || data instanceof Uint8Array) this.socket.end(data);
    else Readable.from(data).pipe(this.socket);
  }

  get answer(): Promise<Answer> {
    return this.#done.promise;
  }

  #take(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 5 && this.#rest.length >= 5 + this.#rest.readUInt32BE(1)) {
      const length = this.#rest.readUInt32BE(1);
      const kind = this.#rest.toString('latin1', 0, 1);
      const content = this.#rest.subarray(5, 5 + length);
      this.#rest = this.#rest.subarray(5 + length);
      if (kind === 'o') this.#stdout.push(content);
      else if (kind === 'e') this.#stderr.push(content);
      else if (kind === 'x') this.#end = { code: Number(content.toString()) };
      else if (kind === '-') this.#end = { isDeclined: true };
      else this.#end = { refusal: content.toString() };
    }
  }

  #finish(): void {
    this.socket.destroy();
    this.#done.resolve({ ...this.#end, stdout: Buffer.concat(this.#stdout), stderr: Buffer.concat(this.#stderr) });
  }
}
