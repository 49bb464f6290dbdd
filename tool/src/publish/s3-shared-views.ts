import type { Destination } from '../config/destinations.ts';
import type { S3Door } from './s3-client.ts';
import { createS3View, type S3View } from './s3-held.ts';

type S3Destination = Extract<Destination, { kind: 's3' }>;

interface SharedView {
  /** For what must be asked anew. */
  readonly door: S3Door;
  readonly view: S3View;
}

/**
 * One view of a bucket, over one pool of connections, for all that look at it at the same time: a plan of a thousand layers lists each
 * prefix once.
 */
export interface SharedViews {
  use<T>(destination: S3Destination, verifyTls: boolean, look: (shared: SharedView) => Promise<T>): Promise<T>;
}

/** How long a view outlives its last user: a plan asks for layers one after another. No timer keeps the process. */
const LINGER_MS = 1_000;

export function createSharedViews(open: (place: S3Destination, verifyTls: boolean) => Promise<S3Door>): SharedViews {
  const views = new Map<string, { readonly opening: Promise<SharedView>; users: number; end?: NodeJS.Timeout }>();
  return {
    async use(destination, verifyTls, look) {
      const place = JSON.stringify([destination.endpoint, destination.bucket, verifyTls]);
      const known = views.get(place) ?? {
        opening: open(destination, verifyTls).then((door) => ({ door, view: createS3View(door) })),
        users: 0,
      };
      views.set(place, known);
      known.users += 1;
      clearTimeout(known.end);
      try {
        return await look(await known.opening);
      } finally {
        known.users -= 1;
        if (known.users === 0) {
          known.end = setTimeout(() => {
            views.delete(place);
            known.opening.then(({ door }) => door.close()).catch(() => undefined);
          }, LINGER_MS).unref();
        }
      }
    },
  };
}
