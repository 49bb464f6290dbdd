import { destinationsOf } from '../config/destinations.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { referencesAt } from '../recipe/portable-references.ts';
import { placeOf } from '../recipe/publish-key.ts';
import type { LayerRecord } from '../recipe/record.ts';
import type { CommandContext } from './command.ts';

interface Verifying {
  readonly context: CommandContext;
  readonly root: string;
  /** The user, or CI, wants every destination asked. */
  readonly asked: boolean;
  /** Says that a destination could not be asked. */
  warn(id: LayerId, message: string): void;
}

/**
 * Whether a destination holds what the record says; undefined: nobody asked, or it cannot be asked, which is said. What is on this
 * disk is always looked at, as it costs a read.
 */
export async function verifyPublication(
  { context, root, asked, warn }: Verifying,
  layer: Layer,
  record: LayerRecord,
  key: string,
): Promise<boolean | undefined> {
  const destination = destinationsOf(layer).find((one) => one.key === key);
  const publication = record.publications[key];
  if (destination === undefined || publication === undefined) return undefined;
  if (!asked && destination.kind !== 'oci' && destination.kind !== 'file') return undefined;
  const { verify } = await import('../publish/verify.ts');
  const { openAsking } = await import('./asking.ts');
  try {
    const references = referencesAt(publication.references, root);
    return await verify({ references }, destination, layer, openAsking(context, root));
  } catch (error) {
    if (context.signal.aborted) throw error;
    const why = error instanceof Error ? error.message : String(error);
    warn(layer.id, `${placeOf(destination)} could not be asked, its record is believed: ${why}`);
    return undefined;
  }
}
