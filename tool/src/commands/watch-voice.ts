import type { InvalidInput } from '../config/diagnostic.ts';
import type { LayerId } from '../config/layer.ts';
import { createPaint, wantsColour } from '../report/palette.ts';
import { isLive, type OutputMode } from '../report/reporter.ts';
import type { ChangedFile } from '../report/watch-news.ts';
import { WatchScreen } from '../report/watch-screen.ts';
import type { WatchState } from '../watch/machine.ts';
import type { CommandContext } from './command.ts';
import { printDiagnostics } from './print-diagnostics.ts';

export const KEY_HINTS = 'r rebuild  w why  l log  s shell  q quit';

const DOING: Partial<Record<WatchState['kind'], string>> = {
  settling: 'changes coming in',
  looking: 'looking',
  running: 'building',
  ending: 'ending',
};

/** What a watch says of itself, in the user's kind of output. */
export class WatchVoice {
  readonly screen: WatchScreen;
  readonly #context: CommandContext;
  readonly #warned = new Set<string>();
  #isInvalid = false;

  constructor(context: CommandContext) {
    const { env, stdout, stderr, values } = context;
    const mode = (values.output ?? 'auto') as OutputMode;
    const people = isLive({ mode, stdout, env, isTTY: stdout.isTTY === true }) ? 'live' : 'plain';
    const paint = createPaint(wantsColour(env, stdout.isTTY === true));
    this.screen = new WatchScreen(stdout, stderr, mode === 'json' ? 'json' : people, paint);
    this.#context = context;
  }

  /** A warning of the tree once, not after every save. */
  warn(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.screen.warn(text.split('\n'));
  }

  ready(layers: number, folders: number, durationMs: number): void {
    this.screen.news({ type: 'watch-ready', layers, folders, durationMs: Math.round(durationMs) });
  }

  /** Layers that came and went. */
  layers(added: readonly LayerId[], removed: readonly LayerId[]): void {
    if (added.length + removed.length > 0) this.screen.news({ type: 'watch-layers', added, removed });
  }

  valid(): void {
    this.#isInvalid = false;
  }

  /** The tree cannot be built as it is. */
  invalid({ diagnostics, root, message, hint }: InvalidInput): void {
    this.#isInvalid = true;
    const { values } = this.#context;
    if (values.output !== 'json') {
      const warn = (text: string) => this.screen.warn(text.split('\n'));
      printDiagnostics({ ...this.#context, warn }, diagnostics, root);
    }
    this.screen.news({ type: 'watch-invalid', message, ...(hint !== undefined && { hint }), diagnostics });
  }

  changed(files: readonly ChangedFile[]): void {
    if (files.length > 0) this.screen.news({ type: 'watch-changed', files });
  }

  /** It was looked, and there is nothing to do but what would only fail again. */
  nothingToDo(files: readonly ChangedFile[], failing: ReadonlySet<LayerId>): void {
    if (failing.size > 0) this.screen.news({ type: 'watch-still-failed', layers: [...failing] });
    // What builds themselves write into the lock is no news.
    else if (files.length === 0 || files.some(({ file }) => file !== 'layers.lock')) {
      this.screen.news({ type: 'watch-unchanged', files });
    }
  }

  status(state: WatchState | undefined, layers: number, failed: number): void {
    const rest = layers === 0 ? 'nothing to build here' : 'all in line';
    const result = failed > 0 ? `${failed} failed` : rest;
    const doing = DOING[state?.kind ?? 'waiting'] ?? (this.#isInvalid ? 'a file is wrong' : result);
    this.screen.status(`watching ${layers} ${layers === 1 ? 'layer' : 'layers'} · ${doing} · ${KEY_HINTS}`);
  }
}
