import { expect, test } from 'vitest';
import { noCheckpoint } from '../../tool/src/commands/inside-checkpoint.ts';
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
  const base = layer('base', { pkg_manager: 'dnf' }, { packages: ['one'], cmds: ['true'] });
  expect(noCheckpoint(base, 'packages', { others: [] })).toMatchObject({
    message: 'no checkpoint of base after its packages is kept here of its last build',
    hint: expect.stringContaining("'layers build base --force'"),
  });
  expect(noCheckpoint(base, 'files', { others: ['packages'] })).toMatchObject({ hint: "'--at packages' is" });
  const played = noCheckpoint(layer('played', { layer_type: 'ansible' }), 'packages', { others: [] });
  expect(played.hint).toContain('only base layers have them');
  expect(played.hint).not.toContain('--force');
});

test('no build is advised that would make none, and an older checkpoint is said to be one', () => {
  const commands = layer('st', { parent: 'other' }, { cmds: ['true'] });
  expect(noCheckpoint(commands, 'files', { others: [], older: '2026-11-24T15:53:41Z' })).toMatchObject({
    message: expect.stringMatching(/of its last build; the one of 2026-11-24 \d\d:\d\d is of another build$/),
    hint: "layers/st.yaml has no files: leave out '--at' for its last build, or '--at failed' for one that failed",
  });
});
