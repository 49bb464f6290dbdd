import { expect, test } from 'vitest';
import { isOfDisk } from '../../tool/src/run/disk-failure.ts';
import { failureOf } from '../../tool/src/run/failure.ts';
import { CommandFailure } from '../../tool/src/system/command.ts';

function failed(line: string) {
  const result = { argv: ['buildah', 'from'], exitCode: 125, signal: null, durationMs: 1, stdout: '', tail: [line] };
  return failureOf(new CommandFailure('exit', result, `buildah from: exit code 125: ${line}`), 'build');
}

test('ranges of ids that are too narrow: what to widen, and how far', () => {
  const line =
    'potentially insufficient UIDs or GIDs available in user namespace (requested 0:65534 for /opt/high): Check /etc/subuid and /etc/subgid if configured locally and run podman-system-migrate: lchown /opt/high: invalid argument';
  expect(failed(line).hint).toMatch(/65536 ids reach up to nogroup, 65534; 'layers doctor'/);
});

test('a full file system: where to look; anything else has no hint of ours', () => {
  expect(failed('write /var/tmp/x: no space left on device').hint).toMatch(/layers doctor/);
  expect(failed('manifest unknown').hint).toBeUndefined();
  const ofFile = (code: string) => failureOf(Object.assign(new Error(`${code}: x`), { code }), 'build');
  expect(ofFile('ENOSPC').hint).toMatch(/layers doctor/);
  expect(ofFile('EROFS').hint).toMatch(/read-only: --state DIR/);
  expect(ofFile('ENOENT').hint).toBeUndefined();
  expect(isOfDisk(ofFile('ENOSPC'))).toBe(true);
  expect(isOfDisk(failed('read-only file system, says a program in there'))).toBe(false);
});
