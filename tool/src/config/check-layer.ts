import { checkContent } from './check-content.ts';
import { checkDestinations, printable } from './check-destinations.ts';
import { checkImageConfig } from './check-image-config.ts';
import { checkMounts } from './check-mounts.ts';
import type { Diagnostic } from './diagnostic.ts';
import { hasStraySpace, isDigest } from './image-name.ts';
import type { KeyFacts } from './key-facts.ts';
import { TOP_KEYS } from './keys.ts';
import { find, isEmpty, type Located, nearestPlace, type Path } from './located.ts';
import { OPTION_KEYS } from './option-keys.ts';
import { problemAt, type Spot } from './report.ts';
import type { LayerFile } from './schema.ts';

/** What the checks of one layer file share. */
export interface Check {
  readonly layer: LayerFile;
  /** The file with the defaults of layers.yaml under it. */
  readonly merged: Located;
  /** The file alone. */
  readonly own: Located;
  /** Notes a problem at the place that the path leads to; `text` finds the item of a list that holds it. */
  report(path: Path, problem: Problem): void;
}

interface Problem {
  readonly severity?: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly spot?: Spot;
  /** The item of the list at the path that the problem is about. */
  readonly item?: string;
}

/** All that the types cannot say about one layer file. Cross-file matters (parents, references) are the graph's. */
export function checkLayer(layer: LayerFile, merged: Located, own: Located): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const check: Check = {
    layer,
    merged,
    own,
    report: (path, { severity = 'error', spot, item, ...problem }) => {
      const place = nearestPlace(merged, path);
      diagnostics.push(problemAt(item === undefined ? place : itemOf(place, item), { severity, ...problem }, spot));
    },
  };
  if (layer.options.layer_type === 'base') checkBase(check);
  else checkAnsible(check);
  checkEffects(check);
  checkParent(check);
  checkToolsImage(check);
  checkMounts(check);
  checkDestinations(check);
  checkContent(check);
  checkImageConfig(check);
  return diagnostics;
}

function checkBase({ layer, report }: Check): void {
  if (layer.options.pkg_manager !== undefined) return;
  report(['options', 'layer_type'], {
    code: 'missing-pkg-manager',
    message: 'A base layer needs `pkg_manager`',
    hint: 'add `pkg_manager: dnf`, `apt` or `zypper` under `options`',
  });
}

function checkAnsible({ layer, merged, report }: Check): void {
  const { options } = layer;
  if (options.playbooks.length === 0) {
    report(['options', 'layer_type'], {
      code: 'missing-playbooks',
      message: 'An Ansible layer needs `playbooks`',
      hint: 'add `playbooks: playbooks/site.yaml` under `options`',
    });
  }
  if (options.parent === 'scratch') {
    const given = find(merged, ['options', 'parent']) !== undefined;
    report(['options', given ? 'parent' : 'layer_type'], {
      code: 'missing-parent',
      message: 'An Ansible layer needs a `parent` with Python in it: an empty root has none',
      hint: 'name an image or another layer as `parent`',
    });
  }
}

/** Keys that this type of layer does not read. Defaults of layers.yaml are for both types and say nothing. */
function checkEffects({ layer, own, report }: Check): void {
  const type = layer.options.layer_type;
  const other = type === 'base' ? 'an Ansible' : 'a base';
  const look = (path: Path, facts: Readonly<Record<string, KeyFacts>>) => {
    const map = find(own, path);
    if (map?.kind !== 'map') return;
    for (const [key, value] of map.entries) {
      const only = facts[key]?.only;
      if (only === undefined || only === type || isEmpty(value) || isEmptyList(value)) continue;
      report([...path, key], {
        severity: 'warning',
        code: 'no-effect',
        message: `\`${value.key?.text ?? key}\` has no effect in ${type === 'base' ? 'a base' : 'an Ansible'} layer`,
        hint: `remove it, or put it into ${other} layer`,
        spot: 'key',
      });
    }
  };
  look([], TOP_KEYS);
  look(['options'], OPTION_KEYS);
}

function isEmptyList(value: Located): boolean {
  return value.kind === 'list' && value.items.length === 0;
}

const TRANSPORT = /^(?:docker:\/\/|(?:oci|oci-archive|docker-archive|containers-storage|dir):)/;

function checkParent({ layer, report }: Check): void {
  const { parent } = layer.options;
  const wrong = imageProblem(parent);
  if (wrong === undefined) return;
  const message = `The parent \`${printable(parent)}\` ${wrong.why}`;
  report(['options', 'parent'], { code: 'invalid-parent', message, ...(wrong.hint && { hint: wrong.hint }) });
}

function checkToolsImage({ layer, own, report }: Check): void {
  const { tools_image: image, pkg_manager: manager } = layer.options;
  if (image === '') return;
  const path = ['options', 'tools_image'];
  const wrong = image === 'scratch' ? { why: 'is empty: it has no package manager' } : imageProblem(image);
  if (wrong !== undefined) {
    const message = `The tools image \`${printable(image)}\` ${wrong.why}`;
    report(path, { code: 'invalid-tools-image', message, ...(wrong.hint && { hint: wrong.hint }) });
  } else if (manager === 'apt' && find(own, path) !== undefined) {
    const message = '`tools_image` has no effect with apt: mmdebstrap and the apt inside need none';
    report(path, { severity: 'warning', code: 'no-effect', message, hint: 'remove it', spot: 'key' });
  }
}

/** Only what can be no image at all: names and ids of layers are free in what they hold. */
function imageProblem(parent: string): { why: string; hint?: string } | undefined {
  if (hasStraySpace(parent)) return { why: 'has white space or control characters in it' };
  if (parent.startsWith('-')) return { why: 'begins with a dash and would be taken for an option' };
  if (/^https?:\/\//.test(parent)) {
    return { why: 'is a web address', hint: 'leave out the scheme: `registry.example/path/name:tag`' };
  }
  if (parent.includes('://') && !TRANSPORT.test(parent)) {
    const hint = 'registries need none: `registry.example/path/name:tag`';
    return { why: 'has a transport that is not known', hint };
  }
  const digest = parent.split('@')[1];
  if (digest !== undefined && !isDigest(digest)) {
    return { why: 'has a digest that is none', hint: 'a digest looks like `@sha256:` and 64 hexadecimal digits' };
  }
  return parent.endsWith(':') ? { why: 'has an empty tag' } : undefined;
}

function itemOf(place: Located, text: string): Located {
  if (place.kind !== 'list') return place;
  const exact = place.items.find((item) => item.kind === 'scalar' && item.text === text);
  return exact ?? place.items.find((item) => item.kind === 'scalar' && item.text.includes(text)) ?? place;
}
