import {
  chmodSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { root, SetupError } from '../setup/place.mjs';
import { thirdPartyNotices } from './notices.mjs';

const PROGRAMS = ['layers', 'image-build'];
/** Of the repository's root, for `share/doc/layers`. */
const DOCS = ['README.md', 'CHANGELOG.md', 'LICENSE', 'docs'];

/** The program itself, with the Node beside it whatever PATH has. It is found through symbolic links. */
const launcher = (program) => `#!/bin/sh
self=$(readlink -f -- "$0")
exec "\${self%/*}/../node" "\${self%/*}/${program}.cjs" "$@"
`;

/** Paths of the repository that decide what is staged. */
export function treeFiles() {
  const packages = ['tool/bin', 'tool/dist', 'tool/ansible', 'tool/package', 'docs'].flatMap((folder) => below(folder));
  return [...packages, 'tool/setup/packages.mjs', 'README.md', 'CHANGELOG.md', 'LICENSE', 'pnpm-lock.yaml'];
}

/**
 * Writes the installed tree: `bin`, `lib/layers` and `share/doc/layers`, all with one time and with modes that no umask decides.
 * Throws SetupError where set-up has not been run.
 */
export function stageTree({ tree, date, architecture }) {
  const lib = join(tree, 'lib/layers');
  const docs = join(tree, 'share/doc/layers');
  const copy = (from, to) => cpSync(join(root, from), to, { recursive: true, dereference: true, filter: isShipped });
  for (const folder of ['bin', 'dist', 'ansible']) copy(`tool/${folder}`, join(lib, folder));
  cpSync(ownNode(architecture), join(lib, 'node'), { dereference: true });
  for (const name of DOCS) copy(name, join(docs, name));
  writeFileSync(join(docs, 'THIRD-PARTY-NOTICES'), thirdPartyNotices(dirname(dirname(ownNode(architecture)))));
  mkdirSync(join(tree, 'bin'), { recursive: true });
  for (const program of PROGRAMS) {
    writeFileSync(join(lib, 'bin', program), launcher(program));
    symlinkSync(`../lib/layers/bin/${program}`, join(tree, 'bin', program));
  }
  settle(tree, date);
}

/** Gives every entry of a tree one time, and a mode that its kind decides. */
export function settle(path, date) {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return lutimesSync(path, date, date);
  if (stat.isDirectory()) for (const name of readdirSync(path)) settle(join(path, name), date);
  chmodSync(path, stat.isDirectory() || isProgram(path) ? 0o755 : 0o644);
  utimesSync(path, date, date);
}

function isProgram(path) {
  return /\/lib\/layers\/(node|bin\/(layers|image-build))$/.test(path);
}

/** Caches of this machine, and what only belongs to a repository. */
function isShipped(path) {
  return !/\/(\.cache|\.stamp|\.new-[0-9]+|__pycache__)(\/|$)/.test(path.slice(root.length));
}

function below(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .filter((path) => isShipped(join(root, path)))
    .sort();
}

/** The binary that npm brought, which runs wherever its C library is recent enough; the one of a distribution is not alone. */
function ownNode(architecture) {
  try {
    return createRequire(join(root, 'package.json')).resolve(`node-linux-${architecture}/bin/node`);
  } catch (cause) {
    const message = `node-linux-${architecture} is not in node_modules: 'npm run setup' puts that right.`;
    throw new SetupError(message, { cause });
  }
}
