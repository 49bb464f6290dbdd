import type { LayerId } from '../config/layer.ts';
import type { Failure, LayerOutcome, LayerSummary, RunEvent } from '../run/events.ts';
import { formatDuration } from './format.ts';
import { plainText } from './plain-text.ts';

/** A layer that runs, as its line shows it. Texts are plain. */
export interface RunningLayer {
  readonly id: LayerId;
  readonly action: string;
  readonly startedAt: number;
  step: string;
  progress: string;
  lastLine: string;
}

/**
 * What is going on in a run, kept from its events. A constant amount of work an event, and of memory a layer, whatever
 * the children print.
 */
export class LiveRun {
  startedAt = 0;
  readonly paths = new Map<LayerId, string>();
  readonly waiting = new Set<LayerId>();
  readonly running = new Map<LayerId, RunningLayer>();
  readonly finished: LayerSummary[] = [];
  readonly outcomes = new Map<LayerOutcome, number>();
  stopping: string | undefined;
  /** What runs is being ended, not finished. */
  interrupted = false;

  apply(event: RunEvent): void {
    switch (event.type) {
      case 'run-started':
        this.startedAt = event.at;
        for (const layer of event.plan) {
          this.paths.set(layer.id, layer.path);
          if (layer.action !== 'nothing') this.waiting.add(layer.id);
        }
        break;
      case 'layer-started':
        this.waiting.delete(event.id);
        this.running.set(event.id, {
          id: event.id,
          action: event.action,
          startedAt: event.at,
          step: event.action,
          progress: '',
          lastLine: '',
        });
        break;
      case 'layer-cancelled':
        this.#change(event.id, { step: 'restarting', progress: '', lastLine: plainText(event.cause) });
        break;
      case 'converged':
        this.#change(event.id, { step: 'converged', progress: 'a clean build follows when idle', lastLine: '' });
        break;
      case 'converge-failed':
        this.#change(event.id, { step: 'not converged', progress: 'a clean build follows when idle', lastLine: '' });
        break;
      case 'step-started':
        this.#change(event.id, { step: plainText(event.step), progress: '', lastLine: '' });
        break;
      case 'progress':
        this.#change(event.id, { progress: plainText(progressText(event)) });
        break;
      case 'output': {
        const line = plainText(event.line);
        if (line.trim() !== '') this.#change(event.id, { lastLine: line });
        break;
      }
      case 'checkpoint':
        this.#change(event.id, { lastLine: plainText(`${event.parts.join(', ')}: from the checkpoint`) });
        break;
      case 'warning':
        // A layer that waits for another run's lock says so in no other way.
        if (event.id !== null) this.#change(event.id, { lastLine: plainText(event.message) });
        break;
      case 'layer-finished':
        this.#finish(event.summary);
        break;
      case 'stopping':
        this.stopping = plainText(event.message);
        this.interrupted ||= event.reason !== 'failed';
        break;
      default:
    }
  }

  #finish(summary: LayerSummary): void {
    this.waiting.delete(summary.id);
    this.running.delete(summary.id);
    this.finished.push(summary);
    this.outcomes.set(summary.outcome, (this.outcomes.get(summary.outcome) ?? 0) + 1);
  }

  #change(id: LayerId, change: Partial<Pick<RunningLayer, 'step' | 'progress' | 'lastLine'>>): void {
    const layer = this.running.get(id);
    if (layer !== undefined) Object.assign(layer, change);
  }
}

/** What a watch says when playbooks ran over the last good container. */
export function convergedText(durationMs: number): string {
  return `converged in ${formatDuration(durationMs)}; a clean build follows when idle`;
}

/** The same where they failed there. */
export function notConvergedText(durationMs: number, { message }: Failure): string {
  return `not converged after ${formatDuration(durationMs)}: ${message}; a clean build follows when idle`;
}

/** `TASK [chrony : install] 7/23`. A text that counts itself already is left alone. */
export function progressText(event: {
  readonly text: string;
  readonly done?: number;
  readonly total?: number;
}): string {
  if (event.done === undefined || event.total === undefined) return event.text;
  const counter = `${event.done}/${event.total}`;
  return event.text.endsWith(counter) ? event.text : `${event.text} ${counter}`.trimStart();
}
