import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { IdleGate } from '../../tool/src/watch/idle-gate.ts';

const never = new AbortController().signal;

async function took(work: Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work.catch(() => {});
  return performance.now() - started;
}

test('it opens when nothing changed for a while, and a change begins the while anew', async () => {
  const gate = new IdleGate(150);
  const waiting = took(gate.wait(never));
  await sleep(100);
  gate.touch();
  expect(await waiting).toBeGreaterThanOrEqual(240);
});

test('it opens when it is told to', async () => {
  const gate = new IdleGate(10_000);
  const waiting = took(gate.wait(never));
  await sleep(20);
  gate.open();
  expect(await waiting).toBeLessThan(5000);
});

test('an abort ends the wait', async () => {
  const stopping = new AbortController();
  const waiting = new IdleGate(10_000).wait(stopping.signal);
  stopping.abort('q');
  await expect(waiting).rejects.toThrow();
});
