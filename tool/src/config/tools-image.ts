import type { LayerFile } from './schema.ts';

/** The image whose package manager makes the layer, as its file names it; undefined where it is made without one. Pure. */
export function toolsImageOf({ options }: Pick<LayerFile, 'options'>): string | undefined {
  const { layer_type: type, pkg_manager: manager, tools_image: image } = options;
  return type === 'base' && manager !== 'apt' && image !== '' ? image : undefined;
}
