/** A build is remembered, but its image, or a part of it, is there no more or damaged. Whoever wanted it builds instead. */
export class ImageGone extends Error {
  override readonly name = 'ImageGone';
}
