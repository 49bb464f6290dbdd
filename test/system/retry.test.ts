import { expect, test } from 'vitest';
import { backoff, retry } from '../../tool/src/system/retry.ts';

const policy = { attempts: 4, baseMs: 1, capMs: 4 };
const always = () => true;

test('it tries again as long as that may help', async () => {
  const attempts: number[] = [];
  const result = await retry(
    async (attempt) => {
      attempts.push(attempt);
      if (attempt < 3) throw new Error('not yet');
      return 'done';
    },
    { policy, retryable: always },
  );
  expect(result).toBe('done');
  expect(attempts).toEqual([1, 2, 3]);
});

test('the last error is thrown; one that no retry mends at once', async () => {
  let calls = 0;
  const fail = async () => {
    calls += 1;
    throw new Error(`number ${calls}`);
  };
  await expect(retry(fail, { policy, retryable: always })).rejects.toThrow('number 4');
  await expect(retry(fail, { policy, retryable: () => false })).rejects.toThrow('number 5');
});

test('what the server asks for is waited, but not for hours', async () => {
  const delays: number[] = [];
  const onRetry = (_error: unknown, _attempt: number, delayMs: number) => delays.push(delayMs);
  const once = async (attempt: number) => {
    if (attempt === 1) throw new Error('busy');
  };
  await retry(once, { policy, retryable: always, askedMs: () => 30, onRetry });
  expect(delays).toEqual([30]);
  await expect(retry(once, { policy, retryable: always, askedMs: () => 3_600_000 })).rejects.toThrow('busy');
});

test('an abort ends the wait', async () => {
  const stop = new AbortController();
  const long = { attempts: 2, baseMs: 60_000, capMs: 60_000 };
  const waiting = retry(async () => Promise.reject(new Error('x')), {
    policy: long,
    retryable: always,
    signal: stop.signal,
  });
  setTimeout(() => stop.abort(), 10);
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});

test('waits double, up to the cap, and differ from client to client', () => {
  const slow = { attempts: 9, baseMs: 100, capMs: 1_000 };
  for (const [attempt, full] of [100, 200, 400, 800, 1_000, 1_000].entries()) {
    const delay = backoff(slow, attempt + 1);
    expect(delay).toBeGreaterThanOrEqual(full / 2);
    expect(delay).toBeLessThanOrEqual(full);
  }
});
