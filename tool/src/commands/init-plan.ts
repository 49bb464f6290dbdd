import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { kindOf } from './flat-folder.ts';
import { pathsIn, type WrittenPath, withPaths } from './init-mend.ts';

/** A folder of image-build files as a tree, before anything is written. All paths but `from` are relative to the tree. */
export interface InitPlan {
  /** Layer file → its text. */
  readonly texts: ReadonlyMap<string, string>;
  /** Place in the tree → the file or folder (absolute) that is copied there. */
  readonly copies: ReadonlyMap<string, string>;
  /** What is different, a line each. */
  readonly changes: readonly string[];
  /** What was left or needs a look, a line each. */
  readonly notes: readonly string[];
}

/** Folders that Ansible looks for beside a playbook or an inventory. */
const BESIDE_PLAYBOOK = [
  'roles',
  'library',
  'module_utils',
  'filter_plugins',
  'files',
  'templates',
  'vars',
  'tasks',
  'handlers',
];
const VARIABLES = ['group_vars', 'host_vars'];

interface Planning {
  /** Absolute, links resolved. */
  readonly from: string;
  /** Folder of the tree to be, where it lies inside `from`: not looked into. */
  readonly target: string;
  readonly texts: Map<string, string>;
  readonly copies: Map<string, string>;
  readonly changes: string[];
  readonly notes: string[];
}

/** Decides where everything goes. Reads files, writes none. */
export function planInit(folder: string, target: string): InitPlan {
  const from = realpathSync(folder);
  const plan: Planning = { from, target, texts: new Map(), copies: new Map(), changes: [], notes: [] };
  for (const file of yamlFiles(plan)) {
    if (/\.(j2|jinja2?)$/i.test(file) || kindOf(path.join(from, file)) === 'template') {
      plan.notes.push(`${file}: a Jinja template, left where it is; render it and put what comes out below layers/`);
    } else if (kindOf(path.join(from, file)) === 'layer') takeLayer(plan, file);
  }
  // Beside the inventory they count for every playbook; twice would be two to edit.
  for (const name of VARIABLES) {
    const { copies } = plan;
    if (copies.get(`inventory/${name}`) === copies.get(`playbooks/${name}`)) copies.delete(`playbooks/${name}`);
  }
  const config = path.join(from, 'ansible.cfg');
  if (existsSync(config)) {
    plan.copies.set('ansible.cfg', config);
    if (/^\s*(roles_path|collections?_path|library|inventory)\w*\s*=/m.test(readFileSync(config, 'utf8')))
      plan.notes.push('ansible.cfg: its paths are as they were; look whether they still lead somewhere');
  }
  return plan;
}

/** Layer files, templates and other YAML below the folder, relative to it. Ansible's own folders are not looked into. */
function yamlFiles({ from, target }: Planning): string[] {
  const files: string[] = [];
  const open = [''];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    for (const entry of readdirSync(path.join(from, here), { withFileTypes: true })) {
      const name = path.join(here, entry.name);
      const full = path.join(from, name);
      if (entry.name.startsWith('.') || full === target) continue;
      if (entry.isDirectory()) {
        if (![...BESIDE_PLAYBOOK, ...VARIABLES, 'node_modules', 'collections'].includes(entry.name)) open.push(name);
      } else if (/\.ya?ml(\.j2|\.jinja2?)?$/i.test(entry.name) && statSync(full, { throwIfNoEntry: false })?.isFile())
        files.push(name);
    }
  }
  return files.sort();
}

function takeLayer(plan: Planning, file: string): void {
  const text = readFileSync(path.join(plan.from, file), 'utf8');
  const place = path.join('layers', file);
  const paths = pathsIn(file, text);
  if (paths === undefined) plan.notes.push(`${file}: not valid YAML; copied as it is`);
  const changes = (paths ?? []).flatMap((one) => {
    const instead = placeOf(plan, file, one);
    if (instead === undefined || instead === one.path) return [];
    plan.changes.push(`${place}:${one.line}: ${one.path} → ${instead}`);
    return [{ ...one, instead }];
  });
  plan.texts.set(place, withPaths(text, changes));
}

/** What the layer file has to say instead, after its file got a place in the tree. Undefined: nothing else. */
function placeOf(plan: Planning, layer: string, { use, path: given, line }: WrittenPath): string | undefined {
  const { from, notes } = plan;
  if (use === 'secret') {
    notes.push(`${layer}:${line}: ${given} is a secret and was not copied; it is looked for below the tree's root`);
    return undefined;
  }
  // As image-build does it, from the folder it was started in; else beside the layer file.
  const file = [path.join(from, given), path.join(from, path.dirname(layer), given)].find((one) => existsSync(one));
  if (file === undefined) {
    notes.push(`${layer}:${line}: ${given} was not found; left as it is`);
    return undefined;
  }
  const slash = given.endsWith('/') ? '/' : '';
  const below = path.relative(from, file);
  if (use === 'source') return takeSource(plan, layer, given, file);
  const inside = below.startsWith('..') ? path.basename(file) : below;
  return (use === 'playbook' ? takePlaybook(plan, inside, file) : takeInventory(plan, inside, file)) + slash;
}

/** With all that lies around it, which Ansible may look for. */
function takePlaybook(plan: Planning, inside: string, file: string): string {
  const place = isBelow(inside, 'playbooks') ? inside : path.join('playbooks', inside);
  const [top = ''] = inside.split('/');
  if (top === inside) {
    plan.copies.set(place, file);
    takeNeighbours(plan, path.dirname(file), 'playbooks');
  } else plan.copies.set(top === 'playbooks' ? top : path.join('playbooks', top), path.join(plan.from, top));
  return place;
}

function takeInventory(plan: Planning, inside: string, file: string): string {
  if (isBelow(inside, 'inventory')) {
    plan.copies.set('inventory', path.join(plan.from, 'inventory'));
    return inside;
  }
  const isFolder = statSync(file).isDirectory();
  const isFirst = isFolder && !plan.copies.has('inventory');
  const place = isFirst ? 'inventory' : path.join('inventory', path.basename(file));
  plan.copies.set(place, file);
  if (!isFolder) takeNeighbours(plan, path.dirname(file), 'inventory');
  return place;
}

function isBelow(inside: string, top: string): boolean {
  return inside === top || inside.startsWith(`${top}/`);
}

function takeNeighbours({ copies }: Planning, folder: string, home: 'playbooks' | 'inventory'): void {
  const names = home === 'playbooks' ? [...BESIDE_PLAYBOOK, ...VARIABLES] : VARIABLES;
  for (const name of names) {
    const file = path.join(folder, name);
    if (existsSync(file) && lstatSync(file).isDirectory()) copies.set(path.join(home, name), file);
  }
}

/** Below layers/, as it lay beside the layer files; what lay outside of the folder goes into layers/files. */
function takeSource({ from, copies }: Planning, layer: string, given: string, file: string): string {
  const below = path.relative(from, file);
  const isOutside = below === '' || below.startsWith('..');
  let place = path.join('layers', isOutside ? path.join('files', path.basename(file)) : below);
  for (let count = 2; copies.has(place) && copies.get(place) !== file; count += 1) {
    place = path.join('layers', 'files', `${count}-${path.basename(file)}`);
  }
  const isCovered = [...copies].some(([one, of]) => place.startsWith(`${one}/`) && file.startsWith(`${of}/`));
  if (!isCovered) {
    for (const one of [...copies.keys()]) if (one.startsWith(`${place}/`)) copies.delete(one);
    copies.set(place, file);
  }
  // Beside the layer file it is found by the path that is there; the root is asked first and has no such name.
  const isBeside = path.join('layers', path.dirname(layer), given) === path.join(place, given.endsWith('/') ? '/' : '');
  return isBeside ? given : place + (given.endsWith('/') ? '/' : '');
}
