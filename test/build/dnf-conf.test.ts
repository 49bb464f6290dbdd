import { expect, test } from 'vitest';
import { dnfOptions, withSettings } from '../../tool/src/build/dnf-conf.ts';

test("settings take the place of the image's own, and of lines that continue them", () => {
  const conf = '# ours\n[main]\nbest=True\nexclude = a\n  b\ngpgcheck=1\n[other]\nbest=True\n';
  expect(withSettings(conf, { best: 'False', exclude: 'c' })).toBe(
    '# ours\n[main]\nbest=False\nexclude=c\ngpgcheck=1\n[other]\nbest=True\n\n',
  );
  expect(withSettings('', { keepcache: '1' })).toBe('[main]\nkeepcache=1\n');
});

test('an option that is no setting is refused, and its value is not shown', () => {
  expect(dnfOptions(['proxy=http://a:b=c@d', 'best='])).toEqual({ proxy: 'http://a:b=c@d', best: '' });
  expect(() => dnfOptions(['--setopt=password=hunter2'])).toThrow('dnf_options: "--setopt=…" is not key=value');
  expect(() => dnfOptions(['a=1\n[main]'])).toThrow('is not key=value');
});
