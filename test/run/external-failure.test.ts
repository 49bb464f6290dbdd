import { expect, test } from 'vitest';
import type { LayerId, LayerPlaces } from '../../tool/src/config/layer.ts';
import { linkLayers } from '../../tool/src/graph/link.ts';
import { externalFailure, NoLayout, NotThere } from '../../tool/src/run/external-failure.ts';
import { CommandFailure } from '../../tool/src/system/command.ts';
import { layer } from '../helpers/layers.ts';

const { graph } = linkLayers([
  layer('os/base', {
    name: 'rocky-base',
    parent: 'scratch',
    pkg_manager: 'dnf',
    tools_image: 'r.example:5000/tools:9',
  }),
  layer('top', { name: 'top', parent: 'rocky-bsae', pkg_manager: 'dnf' }),
  layer('side', { name: 'side', parent: 'rocky-bsae', pkg_manager: 'dnf' }),
  layer('flat', { name: 'flat', parent: 'oci:nowhere:1', pkg_manager: 'dnf' }),
]);
const range = { line: 6, column: 16, endLine: 6, endColumn: 20 };
const places = new Map([
  ['os/base' as LayerId, { tools_image: { file: 'layers/os/base.yaml', range } } satisfies LayerPlaces],
]);

/** As skopeo says it. */
function said(text: string): CommandFailure {
  const line = `time="2026-11-29T16:19:15Z" level=fatal msg="Error parsing image name: ${text}"`;
  const result = { argv: [], exitCode: 1, signal: null, durationMs: 1, stdout: '', tail: [line] };
  return new CommandFailure('exit', result, `skopeo inspect --no-tags … exit code 1: ${line}`);
}
const failure = (reference: string, error: unknown) => externalFailure({ reference }, error, { graph, places });

test('who wants it where, what was asked of whom, and what to do', () => {
  expect(failure('r.example:5000/tools:9', said('reading manifest 9: manifest unknown'))).toEqual({
    message:
      'layers/os/base.yaml:6:16: the tools image `r.example:5000/tools:9` was not found: r.example:5000 has no such image; look at its name and tag',
    isCertain: true,
  });
});

test('a word that names no host may be meant as a layer', () => {
  expect(failure('rocky-bsae:latest', said('pinging container registry: dial tcp: no such host'))).toEqual({
    message:
      'layers/top.yaml: the parent `rocky-bsae:latest` (of 2 layers) was not found: there is no host docker.io; write `rocky-base`, if that layer is meant, or the whole reference, HOST/PATH:TAG: without a host docker.io was asked',
    isCertain: false,
  });
});

test.each([
  [
    'Get "https://r.example:5000/v2/": dial tcp 127.0.0.1:9: connect: connection refused',
    'nothing answers at r.example:5000',
    false,
  ],
  ['unauthorized: authentication required', 'buildah login r.example:5000', false],
  ['http: server gave HTTP response to HTTPS client', '["--tls-verify=false"]', false],
  ['x509: certificate signed by unknown authority', 'not trusted here', false],
  ['invalid reference format: repository name must be lowercase', 'no name of an image', true],
  ['something \\"else\\"', 'Error parsing image name: something "else"; look at its name', false],
])('%s: %s', (text, words, isCertain) => {
  const found = failure('r.example:5000/tools:9', said(text));
  expect(found).toEqual({ message: expect.stringContaining(words), isCertain });
  expect(found.message).not.toMatch(/skopeo|level=/);
});

test('a layout that is not there, and a list without the architecture', () => {
  expect(failure('oci:nowhere:1', new NoLayout('/tree/nowhere'))).toEqual({
    message:
      'layers/flat.yaml: the parent `oci:nowhere:1` was not found: there is no image layout in nowhere; look at its name',
    isCertain: true,
  });
  expect(failure('r.example:5000/tools:9', new NotThere('it has images for amd64 only'))).toEqual({
    message: expect.stringContaining('was not found: it has images for amd64 only; look at its name'),
    isCertain: true,
  });
});

test('what is wrong with this machine is not in the name of an image', () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, mkdtemp '/tmp/x'"), { code: 'ENOSPC' });
  const found = failure('r.example:5000/tools:9', full);
  expect(found).toEqual({ message: expect.stringContaining('ENOSPC: no space left on device'), isCertain: false });
  expect(found.message).not.toContain('name');
});
