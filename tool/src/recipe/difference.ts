import { canonicalJson } from './canonical.ts';
import type { Change, FileChange, VersionChange } from './change.ts';
import { compareFiles } from './compare-files.ts';
import { compareSettings } from './compare-settings.ts';
import { namesOfBoth } from './names-of-both.ts';
import type { Recipe, RecipeImage, RecipeParent } from './recipe.ts';

/** Every difference between the recipe of the last good build and the one of now, own settings first. Pure. */
export function differences(before: Recipe, now: Recipe): Change[] {
  const changes: Change[] = [];
  compareSettings(before.settings, now.settings, '', changes);
  changes.push(...compareFiles(before.files, now.files));
  changes.push(...versions('tool-version-changed', before.tools, now.tools));
  for (const name of namesOfBoth(before.environment, now.environment)) {
    if (before.environment[name] !== now.environment[name]) changes.push({ code: 'environment-changed', name });
  }
  changes.push(...versions('lock-changed', before.lock ?? {}, now.lock ?? {}));
  if (before.architecture !== now.architecture) {
    changes.push({ code: 'architecture-changed', from: before.architecture, to: now.architecture });
  }
  if (before.stepVersion !== now.stepVersion) {
    changes.push({ code: 'tool-changed', from: before.stepVersion, to: now.stepVersion });
  }
  if (canonicalJson(before.parent) !== canonicalJson(now.parent)) {
    changes.push({ code: 'parent-changed', from: before.parent, to: now.parent });
  }
  if (canonicalJson({ ...before.toolsImage }) !== canonicalJson({ ...now.toolsImage })) {
    changes.push({ code: 'tools-image-changed', from: before.toolsImage, to: now.toolsImage });
  }
  return changes;
}

type Versions = Readonly<Record<string, string>>;

function versions(code: VersionChange['code'], before: Versions, now: Versions): VersionChange[] {
  const changed = namesOfBoth(before, now).filter((name) => before[name] !== now[name]);
  return changed.map((name) => ({ code, name, from: before[name], to: now[name] }));
}

/** A change that comes from an ancestor in the tree and is no doing of the layer itself. */
export function isInherited(change: Change): boolean {
  const isOfImages = change.code === 'parent-changed' || change.code === 'tools-image-changed';
  return isOfImages && change.from?.kind === 'layer' && change.to?.kind === 'layer';
}

/** What the layer calls its images. */
export interface ImageNames {
  readonly parent: string;
  readonly toolsImage: string;
}

/** Words for a change, without values that may be secret. */
export function describe(change: Change, names: ImageNames): string {
  switch (change.code) {
    case 'setting-changed':
      return `${change.key} changed`;
    case 'list-changed': {
      const words = [...change.added.map((one) => `+ ${one}`), ...change.removed.map((one) => `- ${one}`)];
      return `${change.key}: ${words.join(', ')}`;
    }
    case 'list-reordered':
      return `${change.key}: other order`;
    case 'tool-version-changed':
      return `${change.name} ${describeVersions(change)}`;
    case 'environment-changed':
      return `environment variable ${change.name} changed`;
    case 'lock-changed':
      return `layers.lock: ${change.name} ${describeVersions(change)}`;
    case 'parent-changed':
      return describeParent(change.from, change.to, names.parent);
    case 'tools-image-changed':
      return describeTools(change.from, change.to, names.toolsImage);
    case 'architecture-changed':
      return `architecture ${change.from} → ${change.to}`;
    case 'tool-changed':
      return `layers builds it in another way now (step version ${change.from} → ${change.to})`;
    default:
      return describeFile(change);
  }
}

function describeFile({ code, file, now }: FileChange): string {
  switch (code) {
    case 'file-changed':
      return `${file} changed`;
    case 'file-added':
      return `${file} added`;
    case 'file-removed':
      return `${file} removed`;
    case 'file-appeared':
      return `${file} appeared`;
    case 'file-gone':
      return `${file} is gone`;
    case 'file-kind':
      return `${file} is a ${now} now`;
    case 'file-names':
      return `names in ${file.replace(/\/$/, '')} changed`;
    case 'file-looked-for':
      return `${file}, which is not there, is looked for`;
    case 'file-unheeded':
      return `${file} is looked for no more`;
  }
}

function describeVersions({ from, to }: VersionChange): string {
  if (from === undefined) return `${shorten(to ?? '')} is new`;
  return to === undefined ? 'counts no more' : `${shorten(from)} → ${shorten(to)}`;
}

function describeParent(from: RecipeParent, to: RecipeParent, parentName: string): string {
  if (from.kind === 'layer' && to.kind === 'layer') return `parent ${parentName} has other content`;
  if (from.kind === 'external' && to.kind === 'external')
    return `parent ${parentName} moved to ${shorten(to.manifest)}`;
  return `parent is ${parentName} now`;
}

function describeTools(from: RecipeImage | undefined, to: RecipeImage | undefined, name: string): string {
  if (to === undefined) return 'the tools image is used no more';
  if (from?.kind === 'layer' && to.kind === 'layer') return `tools image ${name} has other content`;
  if (from?.kind === 'external' && to.kind === 'external')
    return `tools image ${name} moved to ${shorten(to.manifest)}`;
  return `tools image is ${name} now`;
}

function shorten(digest: string): string {
  return digest.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1…');
}
