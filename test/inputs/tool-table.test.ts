import { expect, test } from 'vitest';
import { countedTools, cutVersion } from '../../tool/src/inputs/tool-table.ts';
import { layer } from '../helpers/layers.ts';

test.each([
  ['2.14.18', 2, '2.14'],
  ['2:1.3.5-1+deb12u1', 1, '1'],
  ['2.6.1', 2, '2.6'],
  ['4.14.0-3.el9', 1, '4'],
  ['7', 2, '7'],
  ['rolling', 1, 'rolling'],
] as const)('of %s, %d numbers are %s', (version, numbers, cut) => {
  expect(cutVersion(version, numbers)).toBe(cut);
});

test.each([
  ['apt from nothing', { pkg_manager: 'apt' }, ['mmdebstrap', 'apt']],
  ['apt inside', { pkg_manager: 'apt', parent: 'base' }, []],
  ['dnf from nothing', { pkg_manager: 'dnf' }, ['dnf', 'rpm']],
  ['dnf inside', { pkg_manager: 'dnf', parent: 'base' }, []],
  ['dnf by installroot', { pkg_manager: 'dnf', parent: 'base', force_installroot: true }, ['dnf', 'rpm']],
  ['zypper from nothing', { pkg_manager: 'zypper' }, ['zypper', 'rpm']],
  ['Ansible', { layer_type: 'ansible' }, ['ansible-core']],
  ['Ansible, exactly', { layer_type: 'ansible', tool_versions: 'exact' }, ['ansible-core', 'jinja2', 'python']],
  ['nothing, where the layer says so', { pkg_manager: 'dnf', tool_versions: 'ignore' }, []],
])('%s: the tools that count', (_, options, names) => {
  expect(countedTools(layer('l', options)).map(({ name }) => name)).toEqual(names);
});
