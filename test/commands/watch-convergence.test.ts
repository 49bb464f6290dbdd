import { expect, test } from 'vitest';
import { BuildFailure, type BuildReport } from '../../tool/src/build/builder.ts';
import { Convergence } from '../../tool/src/commands/watch-convergence.ts';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { NewRunEvent } from '../../tool/src/run/events.ts';
import type { TurnPlace } from '../../tool/src/run/layer-control.ts';
import type { LayerWork } from '../../tool/src/run/work-on-layer.ts';
import { layer } from '../helpers/layers.ts';

const PLAYED = layer('played', { layer_type: 'ansible' });
const PARENT = { kind: 'layer', content: 'sha256:parent' };

/** One go over the last container, in which the playbooks end as `end` says. */
async function converged(end: () => BuildReport, { stop = new AbortController(), isOff = false } = {}) {
  const events: NewRunEvent[] = [];
  const log: string[] = [];
  const record = { image: { local: { id: 'image' } }, recipe: { parent: PARENT } };
  const work = {
    facts: { records: new Map([[PLAYED.id, record]]), missingImages: new Set() },
    decide: (id: LayerId) => ({ id, recipe: { parent: PARENT } }),
    locks: '/locks',
    place: { signal: stop.signal, emit: (event: NewRunEvent) => events.push(event) },
  } as unknown as LayerWork;
  const convergence = new Convergence({
    context: { env: {} },
    isOff,
    open: () => ({ converge: async () => end(), close: async () => {} }),
  });
  convergence.isWanted = true;
  const turn = { log: { line: (line: string) => log.push(line) }, lockFd: 3 } as unknown as TurnPlace;
  return { report: await convergence.converge(work, PLAYED, turn), events, log };
}

test('playbooks that fail over the last container are told with the task, and a clean build may follow', async () => {
  const message = 'TASK [add] (playbooks/site.yaml:4) failed: it is there';
  const { report, events, log } = await converged(() => {
    throw new BuildFailure(message);
  });
  expect(report).toEqual({});
  expect(events).toMatchObject([{ type: 'converge-failed', id: 'played', failure: { code: 'build', message } }]);
  expect(log).toEqual([`not converged: ${message}`]);
});

test('playbooks that do well are told, with what they read', async () => {
  const trace = { read: ['/a'], probed: [], listed: [], seen: {} } as unknown as BuildReport['trace'];
  const { report, events } = await converged(() => ({ trace }));
  expect(report).toEqual({ trace });
  expect(events).toMatchObject([{ type: 'converged', id: 'played' }]);
});

test('with --clean nothing is played over the last container', async () => {
  expect(await converged(() => ({}), { isOff: true })).toMatchObject({ report: undefined, events: [] });
});

test('what was cancelled meanwhile, and a mistake of ours, end the turn', async () => {
  const stop = new AbortController();
  const cancelled = converged(
    () => {
      stop.abort('q');
      throw new BuildFailure('broken off');
    },
    { stop },
  );
  await expect(cancelled).rejects.toThrow('broken off');
  const mistaken = converged(() => {
    throw new TypeError('undefined is not a function');
  });
  await expect(mistaken).rejects.toThrow(TypeError);
});
