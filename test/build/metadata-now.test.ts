import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AskingMetadata, metadataNow } from '../../tool/src/build/metadata-now.ts';
import { metadataDigest } from '../../tool/src/build/repositories.ts';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';
import { layer } from '../helpers/layers.ts';

let folder: string;
let server: FileServer;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-metadata-'));
  await mkdir(path.join(folder, 'os/repodata'), { recursive: true });
  await writeFile(path.join(folder, 'os/repodata/repomd.xml'), 'repomd');
  await writeFile(path.join(folder, 'os/InRelease'), 'signed');
});
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const digest = (text: string) => metadataDigest(Buffer.from(text));
function asking(repos: readonly unknown[] = [], options: Record<string, unknown> = {}): AskingMetadata {
  const own = layer('l', options, { repos });
  return { layer: own, lenders: [own], env: {}, signal: new AbortController().signal };
}

test('by http and from a file, apt and dnf', async () => {
  server = await serveFiles(folder);
  expect(await metadataNow(`${server.url}/os/InRelease`, asking())).toBe(digest('signed'));
  expect(await metadataNow(`${server.url}/os/repodata/repomd.xml`, asking())).toBe(digest('repomd'));
  for (const scheme of ['file://', 'file:', 'copy:']) {
    expect(await metadataNow(`${scheme}${folder}/os/InRelease`, asking())).toBe(digest('signed'));
  }
});

test('a metalink says the digest itself; of a list of mirrors the first is asked', async () => {
  server = await serveFiles(folder);
  const promised = 'ab'.repeat(32);
  const old = 'cd'.repeat(32);
  await writeFile(
    path.join(folder, 'metalink'),
    `<metalink><files><file name="repomd.xml"><verification><hash type="md5">1</hash><hash type="sha256">${promised}</hash></verification>
<mm0:alternates><mm0:alternate><verification><hash type="sha256">${old}</hash></verification></mm0:alternate></mm0:alternates></file></files></metalink>`,
  );
  expect(await metadataNow(`${server.url}/metalink?repo=x`, asking())).toBe(`sha256:${promised}`);
  await writeFile(path.join(folder, 'mirrors'), `# mirrors\n${server.url}/os/\nhttp://127.0.0.1:1/\n`);
  expect(await metadataNow(`${server.url}/mirrors?repo=x`, asking())).toBe(digest('repomd'));
  await writeFile(path.join(folder, 'mirrors'), '# none\n');
  await expect(metadataNow(`${server.url}/mirrors?repo=x`, asking())).rejects.toThrow('it names no mirror');
});

test("logs in with what the layer's repositories carry for that place, and for no other", async () => {
  server = await serveFiles(folder, 'reader:p@ss');
  const own = server.url.replace('//', '//reader:p%40ss@');
  const url = `${server.url}/os/InRelease`;
  expect(await metadataNow(url, asking([{ alias: 'a', url: `${own}/os` }]))).toBe(digest('signed'));
  const config = `[x]\nbaseurl=${server.url}/os\nusername=reader\npassword=p@ss\n`;
  expect(await metadataNow(url, asking([{ alias: 'a', config }]))).toBe(digest('signed'));
  for (const elsewhere of [[], [{ alias: 'a', url: `${own}/o` }], [{ alias: 'a', url: own.replace(/:\d+$/, ':1') }]]) {
    const error = await metadataNow(url, asking(elsewhere)).catch(String);
    expect(error).toContain('answered 401');
    expect(error).not.toMatch(/p@ss|p%40ss/);
  }
});

test('parameters that are secrets are put back where they belong', async () => {
  server = await serveFiles(folder);
  const repos = [{ alias: 'a', url: `${server.url}/os?token=secret-4711` }];
  expect(await metadataNow(`${server.url}/os/repodata/repomd.xml`, asking(repos))).toBe(digest('repomd'));
  expect(server.requests.at(-1)?.path).toBe('/os/repodata/repomd.xml?token=secret-4711');
});

test('goes through the proxy of the layer', async () => {
  server = await serveFiles(folder);
  await mkdir(path.join(folder, 'debian'));
  await writeFile(path.join(folder, 'debian/InRelease'), 'proxied');
  const url = 'http://no-such-host.invalid/debian/InRelease';
  expect(await metadataNow(url, asking([], { proxy: server.url }))).toBe(digest('proxied'));
  expect(server.requests.at(-1)?.path).toBe(url);
});

test('what cannot be asked is said with its URL', async () => {
  await expect(metadataNow('ftp://x.example/InRelease', asking())).rejects.toThrow(
    'ftp://x.example/InRelease cannot be asked: layers does not ask by ftp',
  );
  await expect(metadataNow('file:///no/such/InRelease', asking())).rejects.toThrow('ENOENT');
  await expect(metadataNow('http://127.0.0.1:1/InRelease', asking())).rejects.toThrow('ECONNREFUSED');
  const stopped = { ...asking(), signal: AbortSignal.abort(new Error('stopped')) };
  await expect(metadataNow('http://127.0.0.1:1/InRelease', stopped)).rejects.toThrow(/^stopped$/);
});
