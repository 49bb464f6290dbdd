import { canonicalJson } from '../recipe/canonical.ts';
import type { KnownBuild, SharedImage } from '../recipe/known-build.ts';
import type { ContentDigest, RecipeKey } from '../recipe/recipe.ts';

const PREFIX = 'org.openchami.layers.';

/** Raised when what the annotations mean changes: older tools then build for themselves instead of reading them wrongly. */
const VERSION = '1';

const NAMES = {
  version: `${PREFIX}version`,
  recipeKey: `${PREFIX}recipe-key`,
  content: `${PREFIX}content`,
  builtAt: `${PREFIX}built-at`,
  lastBuiltAt: `${PREFIX}last-built-at`,
  durationMs: `${PREFIX}duration-ms`,
  inheritedLabels: `${PREFIX}inherited-labels`,
  repositories: `${PREFIX}repositories`,
  publishKey: `${PREFIX}publish-key`,
} as const;

/** What a destination's manifest says of itself; `WantedPublication` of `publish/` is one. */
export interface PublicationFacts {
  /** `sha256:…` of the file tree. */
  readonly contentDigest: string;
  readonly recipeKey: string;
  readonly publishKey: string;
}

/** A known build as annotations of the manifest under its key tag. Pure; no secrets, as a known build holds none. */
export function annotationsOf(build: KnownBuild): Record<string, string> {
  return {
    [NAMES.version]: VERSION,
    [NAMES.recipeKey]: build.recipeKey,
    [NAMES.content]: build.content,
    [NAMES.builtAt]: build.builtAt,
    [NAMES.lastBuiltAt]: build.lastBuiltAt,
    [NAMES.durationMs]: String(Math.round(build.durationMs)),
    [NAMES.inheritedLabels]: canonicalJson(build.inheritedLabels),
    [NAMES.repositories]: canonicalJson(build.repositories),
  };
}

/**
 * The known build behind annotations; undefined when they are not those of exactly this key, of another version, or damaged.
 * `shared`: where the manifest was found.
 */
export function knownBuildFrom(
  annotations: Readonly<Record<string, unknown>> | undefined,
  shared: SharedImage,
  key: RecipeKey,
): KnownBuild | undefined {
  const text = (name: keyof typeof NAMES) => {
    const value = annotations?.[NAMES[name]];
    return typeof value === 'string' ? value : '';
  };
  const inheritedLabels = stringsFrom(text('inheritedLabels'));
  const repositories = stringsFrom(text('repositories'));
  const durationMs = text('durationMs');
  const isSound =
    text('version') === VERSION &&
    text('recipeKey') === key &&
    isDigest(text('content')) &&
    isDigest(shared.digest) &&
    isTime(text('builtAt')) &&
    isTime(text('lastBuiltAt')) &&
    /^\d{1,12}$/.test(durationMs);
  if (!isSound || inheritedLabels === undefined || repositories === undefined) return undefined;
  return {
    recipeKey: key,
    content: text('content') as ContentDigest,
    image: { shared },
    inheritedLabels,
    builtAt: text('builtAt'),
    lastBuiltAt: text('lastBuiltAt'),
    durationMs: Number(durationMs),
    repositories,
  };
}

const CREATED = 'org.opencontainers.image.created';

/** When a build was last made, or a document was last put, in milliseconds; undefined where the annotations do not tell. Pure. */
export function keptAtOf(annotations: Readonly<Record<string, unknown>> | undefined): number | undefined {
  const text = annotations?.[NAMES.lastBuiltAt] ?? annotations?.[CREATED];
  return typeof text === 'string' && isTime(text) ? Date.parse(text) : undefined;
}

/** For a document whose age matters. */
export function createdAnnotation(at: Date): Record<string, string> {
  return { [CREATED]: at.toISOString() };
}

/** Annotations of what a destination holds, so that one look tells whether it is what is wanted. Pure. */
export function publicationAnnotations(wanted: PublicationFacts): Record<string, string> {
  return {
    [NAMES.version]: VERSION,
    [NAMES.recipeKey]: wanted.recipeKey,
    [NAMES.content]: wanted.contentDigest,
    [NAMES.publishKey]: wanted.publishKey,
  };
}

/** Whether a manifest's annotations say that it is what is wanted; which recipe led to the content does not matter. Pure. */
export function isPublicationOf(
  annotations: Readonly<Record<string, unknown>> | undefined,
  wanted: PublicationFacts,
): boolean {
  return (
    annotations?.[NAMES.version] === VERSION &&
    annotations[NAMES.content] === wanted.contentDigest &&
    annotations[NAMES.publishKey] === wanted.publishKey
  );
}

/** Annotations that are not of `layers`: those of a base image, say. */
export function foreignAnnotations(annotations: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => !name.startsWith(PREFIX)));
}

function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** An object of strings from JSON; undefined for anything else. */
function stringsFrom(json: string): Record<string, string> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const isText = Object.values(value).every((member) => typeof member === 'string');
  return isText ? (value as Record<string, string>) : undefined;
}
