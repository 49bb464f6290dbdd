import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../setup/place.mjs';

/** The texts that the licences of what is bundled, and Node's, ask to be passed on. `node`: folder of Node's package. */
export function thirdPartyNotices(node) {
  const parts = bundledPackages().map((folder) => notice(folder));
  const intro = 'layers carries Node and, in its bundle, the packages below. Each is under its own licence.\n';
  return [intro, notice(node), ...parts].join(`\n${'='.repeat(80)}\n\n`);
}

/** Folders of all packages that the tool depends on at run time, each version once, by name. */
function bundledPackages() {
  const found = new Map();
  const visit = (folder) => {
    const { name, version, dependencies = {} } = manifestOf(folder);
    const key = `${name}@${version}`;
    if (found.has(key)) return;
    found.set(key, folder);
    for (const dependency of Object.keys(dependencies)) visit(resolvePackage(dependency, folder));
  };
  const tool = join(root, 'tool');
  for (const dependency of Object.keys(manifestOf(tool).dependencies)) visit(resolvePackage(dependency, tool));
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, folder]) => folder);
}

/** As Node finds packages, but the folder and not what `exports` lets in. */
function resolvePackage(name, from) {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (existsSync(join(path, 'package.json'))) return realpathSync(path);
  }
  throw new Error(`${name}, which ${from} needs, is not installed`);
}

function notice(folder) {
  const { name, version, license, author } = manifestOf(folder);
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  const who = typeof author === 'object' ? author.name : author;
  const text = texts.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim());
  const body = text.length > 0 ? text.join('\n\n') : `Copyright ${who ?? `the authors of ${name}`}`;
  return `${name} ${version} (${license ?? 'licence below'})\n\n${body}\n`;
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
