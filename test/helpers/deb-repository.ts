import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Exec } from '../../tool/src/system/command.ts';

/** A repository of packages that hold one file each, with an unsigned Release; `flat`: all in one folder. */
export interface DebRepository {
  readonly folder: string;
  /** Adds or replaces a package; other versions of it go. */
  put(name: string, version: string, depends?: string): Promise<void>;
  /** Writes the indexes. Gives `sha256:…` of the Release file. */
  release(): Promise<string>;
}

/** In an empty folder that does not need to exist. `suite`: with pools and components, else flat. */
export async function createDebRepository(folder: string, exec: Exec, suite?: string): Promise<DebRepository> {
  const pool = suite === undefined ? folder : path.join(folder, 'pool');
  const place = suite === undefined ? folder : path.join(folder, 'dists', suite);
  const index = suite === undefined ? 'Packages' : 'main/binary-amd64/Packages';
  for (const one of [pool, path.dirname(path.join(place, index))]) await mkdir(one, { recursive: true });
  return {
    folder,
    async put(name, version, depends) {
      for (const file of await readdir(pool)) if (file.startsWith(`${name}_`)) await rm(path.join(pool, file));
      const root = path.join(path.dirname(folder), `deb-${name}`);
      await mkdir(path.join(root, 'DEBIAN'), { recursive: true });
      await mkdir(path.join(root, `usr/share/${name}`), { recursive: true });
      await writeFile(path.join(root, `usr/share/${name}/version`), `${version}\n`);
      const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: Test <test@example.org>\n${depends === undefined ? '' : `Depends: ${depends}\n`}Description: of a test\n`;
      await writeFile(path.join(root, 'DEBIAN/control'), control);
      await exec('dpkg-deb', ['--build', '--root-owner-group', root, path.join(pool, `${name}_${version}_all.deb`)]);
    },
    async release() {
      const entries: string[] = [];
      for (const file of (await readdir(pool)).filter((one) => one.endsWith('.deb')).toSorted()) {
        const deb = await readFile(path.join(pool, file));
        const { stdout } = await exec('dpkg-deb', ['--field', path.join(pool, file)]);
        const name = suite === undefined ? `./${file}` : `pool/${file}`;
        entries.push(`${stdout.trim()}\nFilename: ${name}\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\n`);
      }
      const packages = Buffer.from(entries.join('\n'));
      const sums: string[] = [];
      for (const [name, data] of [
        [index, packages],
        [`${index}.gz`, gzipSync(packages)],
      ] as const) {
        await writeFile(path.join(place, name), data);
        sums.push(` ${sha256(data)} ${data.length} ${name}\n`);
      }
      const suites = suite === undefined ? '' : `Suite: ${suite}\nCodename: ${suite}\nComponents: main\n`;
      const head = `Origin: Test\nLabel: Test\n${suites}Architectures: amd64 all\nDate: Tue, 24 Nov 2026 00:00:00 UTC\n`;
      const text = Buffer.from(`${head}SHA256:\n${sums.join('')}`);
      await writeFile(path.join(place, 'Release'), text);
      return `sha256:${sha256(text)}`;
    },
  };
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
