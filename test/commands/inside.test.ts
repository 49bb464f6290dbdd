import { expect, test } from 'vitest';
import { noCheckpoint } from '../../tool/src/commands/inside-image.ts';
import { failedWords } from '../../tool/src/commands/inside-words.ts';
import type { FailedBuild } from '../../tool/src/records/failed-builds.ts';
import { layer } from '../helpers/layers.ts';

const FAILED: FailedBuild = {
  version: 1,
  id: 'top',
  container: 'layers-kept-1-top',
  graphRoot: '/graph',
  runId: '1',
  at: '2026-11-24T15:53:41Z',
  step: 'cmds 2/2',
  message: 'exit code 3',
};
const entered = { ...FAILED, enteredAt: '2026-11-24T16:10:00Z' };

test('who enters a kept container is told what it is; that somebody was in it, also by one command', () => {
  expect(failedWords(FAILED, true)).toEqual([
    expect.stringMatching(/^top as its build failed at .* in the step 'cmds 2\/2': exit code 3$/),
    expect.stringContaining('that container itself'),
  ]);
  expect(failedWords(FAILED, false)).toEqual([]);
  const changed = expect.stringMatching(/^somebody was in it at 2026-11-24 \d\d:\d\d: it may be changed$/);
  expect(failedWords(entered, true)).toEqual([...failedWords(FAILED, true), changed]);
  expect(failedWords(entered, false)).toEqual([changed]);
});

test('where there is no checkpoint, what can be done about it', () => {
  const base = layer('base');
  expect(noCheckpoint(base, 'packages', [])).toMatchObject({
    message: 'no checkpoint of base after its packages is kept here',
    hint: expect.stringContaining("'layers build base --force'"),
  });
  expect(noCheckpoint(base, 'files', ['packages'])).toMatchObject({ hint: "'--at packages' is" });
  const played = noCheckpoint(layer('played', { layer_type: 'ansible' }), 'packages', []);
  expect(played.hint).toContain('only base layers have them');
  expect(played.hint).not.toContain('--force');
});
