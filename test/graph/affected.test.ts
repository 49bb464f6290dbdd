import { expect, test } from 'vitest';
import { affectedBy, type Changes, type Reads } from '../../tool/src/graph/affected.ts';
import { id, link } from './linking.ts';

const { graph } = link({ base: {}, compute: { parent: 'base' }, login: { parent: 'base' } });

function affected(changed: string[], reads: Record<string, Partial<Reads>>, more: Partial<Changes> = {}) {
  const found = affectedBy(graph, { changed: new Set(changed), ...more }, (layer) => ({
    names: [],
    ...reads[layer.id],
  }));
  return Object.fromEntries(found);
}

test('a layer file counts for its layer only', () => {
  expect(affected(['layers/compute.yaml', 'README.md'], {})).toEqual({ compute: 'layers/compute.yaml changed' });
});

test('a file counts by its own name and below a folder that is copied, not by a name that only begins alike', () => {
  const reads = { base: { names: ['files/motd'] }, compute: { names: ['files'] }, login: { names: ['files/mot'] } };
  expect(affected(['files/motd'], reads)).toEqual({ base: 'files/motd changed', compute: 'files/motd changed' });
  expect(affected(['files-of-others/motd'], reads)).toEqual({});
  expect(affected(['x/y'], { base: { names: ['./'] } })).toEqual({ base: 'x/y changed' });
});

test('a submodule or an untracked folder that changed counts for all below it', () => {
  const reads = { base: { names: ['vendor/roles/web/tasks/main.yml'] }, login: { names: ['vendor/other/x'] } };
  expect(affected(['vendor/roles'], reads)).toEqual({ base: 'vendor/roles changed' });
  expect(affected(['vendor/roles/'], reads)).toEqual({ base: 'vendor/roles/ changed' });
});

test('a folder that is listed counts by the names directly in it', () => {
  const reads = { base: { listed: ['group_vars/'] } };
  expect(affected(['group_vars/all.yml'], reads)).toEqual({
    base: 'names in group_vars changed: group_vars/all.yml',
  });
  expect(affected(['group_vars/a/b.yml', 'group_vars2/x'], reads)).toEqual({});
});

test('what git ignores counts where it is read, not where it is listed', () => {
  const ignored = new Set(['files/built.bin', 'cache/']);
  const reads = {
    base: { names: ['files/built.bin'] },
    compute: { names: ['cache/a/b'] },
    login: { listed: ['files/'], names: ['files/x'] },
  };
  expect(affected([], reads, { ignored })).toEqual({
    base: 'files/built.bin, which git ignores, may have changed',
    compute: 'cache/, which git ignores, may have changed',
  });
});

test('roles of the repository outside of the tree are found by how their names end', () => {
  const reads = { base: { names: ['role:web/tasks/main.yml'] }, login: { names: ['role:db/tasks/main.yml'] } };
  expect(affected(['/repo/roles/web/tasks/main.yml'], reads)).toEqual({
    base: '/repo/roles/web/tasks/main.yml changed',
  });
  expect(affected(['/repo/files/motd'], { base: { names: ['/repo/files'] } })).toEqual({
    base: '/repo/files/motd changed',
  });
});

test('settings, links and lock entries count as they were compared; an edited file is told first', () => {
  const layers = new Map([
    [id('base'), 'settings'],
    [id('login'), 'lock'],
  ]);
  expect(affected(['layers/base.yaml'], {}, { layers })).toEqual({ base: 'layers/base.yaml changed', login: 'lock' });
});
