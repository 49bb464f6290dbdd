import { expect, test } from 'vitest';
import { BuildFailure } from '../../tool/src/build/builder.ts';
import { dnfOptions } from '../../tool/src/build/dnf-conf.ts';

test.each(['installroot=/', 'INSTALLROOT=/', 'reposdir=/etc/yum.repos.d', 'logdir=/x', 'plugins=1', 'cachedir='])(
  '%s is refused: it would lead the dnf of the host elsewhere',
  (word) => {
    expect(() => dnfOptions(['best=False', word])).toThrow(BuildFailure);
  },
);

test('other settings are taken as they are', () => {
  expect(dnfOptions(['best=False', 'retries=3', 'excludepkgs=a=b'])).toEqual({
    best: 'False',
    retries: '3',
    excludepkgs: 'a=b',
  });
});
