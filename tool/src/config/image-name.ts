// The grammar of image references, as distribution's reference package has it.

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = `(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;

const NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const REPOSITORY = new RegExp(`^(?:${DOMAIN}/)?${COMPONENT}(?:/${COMPONENT})*$`);
const REGISTRY = new RegExp(`^${DOMAIN}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

/** A name without registry: lower-case words joined by `.`, `_`, `-`, in folders by `/`. */
export function isImageName(text: string): boolean {
  return text.length <= 200 && NAME.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** White space or control characters that nobody can mean: a plain space within the name of a folder may be. */
export function hasStraySpace(text: string): boolean {
  const isFolder = /^(oci|oci-archive|docker-archive|dir|file):\S/.test(text);
  return isFolder ? /[^\S ]|\p{Cc}| $/u.test(text) : /[\s\p{Cc}]/u.test(text);
}

/** `[HOST[:PORT]/]PATH/NAME`. */
export function isRepository(text: string): boolean {
  return text.length <= 255 && REPOSITORY.test(text);
}

/** What may stand before `/NAME`: `HOST[:PORT][/PATH]`. */
export function isRegistry(text: string): boolean {
  return text.length <= 255 && REGISTRY.test(text);
}
