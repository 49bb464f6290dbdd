import { expect, test } from 'vitest';
import { machineArchitecture, nativeArchitectures } from '../../tool/src/commands/machine-facts.ts';

test('a machine that was told what it is builds that alone', () => {
  expect(machineArchitecture({ LAYERS_ARCHITECTURE: 'i386' })).toBe('386');
  expect([...nativeArchitectures({ LAYERS_ARCHITECTURE: 'aarch64' })]).toEqual(['arm64']);
  expect(() => machineArchitecture({ LAYERS_ARCHITECTURE: 'amd46' })).toThrow('names no architecture');
});

test('this machine builds its own', () => {
  expect(nativeArchitectures({})).toContain(machineArchitecture({}));
});
