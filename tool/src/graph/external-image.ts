import type { Architecture } from '../config/architectures.ts';

/** An image from outside the tree. */
export interface ExternalImage {
  /** As buildah takes it (`docker://`-less, with a tag or digest). */
  readonly reference: string;
  /** Of a list of images that of this architecture; absent: the list as it is, of which buildah takes what the machine is. */
  readonly architecture?: Architecture;
}

/** Equal for what is one question. */
export function externalKey({ reference, architecture }: ExternalImage): string {
  return architecture === undefined ? reference : `${reference} for ${architecture}`;
}
