import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { expandPattern, isPattern } from '../inputs/source-glob.ts';
import type { Buildah } from '../system/buildah.ts';

/**
 * Times of the tree's files are those of the checkout. What was copied from it is known again by size and time: programs that
 * copy keep both, to the second.
 */
export class CopiedTimes {
  readonly #seen = new Set<string>();

  /** The same storage, which notes what is copied into containers. */
  watching(buildah: Buildah): Buildah {
    return {
      ...buildah,
      copy: async (container, sources, destination, args = []) => {
        await buildah.copy(container, sources, destination, args);
        if (args.some((word) => /^--from(=|$)/.test(word))) return;
        const context = contextOf(args);
        for (const source of sources) {
          if (/^https?:\/\//.test(source)) continue;
          const place = context === undefined ? resolve(source) : resolve(context, `./${source}`);
          for (const one of isPattern(place) ? [place, ...expandPattern(place)] : [place]) this.add(one);
        }
      },
    };
  }

  /** Notes a file or link, or all of a folder. What is not there is left. */
  add(place: string): void {
    const top = lookAt(() => statSync(place));
    if (top === undefined) return;
    this.#note(top);
    if (!top.isDirectory()) return;
    const folders = [Buffer.from(`${place}/`)];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const name of readdirSync(folder, { encoding: 'buffer' })) {
        const file = Buffer.concat([folder, name]);
        const stats = lookAt(() => lstatSync(file));
        if (stats === undefined) continue;
        this.#note(stats);
        if (stats.isDirectory()) folders.push(Buffer.concat([file, Buffer.from('/')]));
      }
    }
  }

  has(stats: Stats): boolean {
    return this.#seen.has(keyOf(stats, Math.floor(stats.mtimeMs / 1000)));
  }

  /** Go's tar writer rounds to the nearest second, others cut. */
  #note(stats: Stats): void {
    for (const seconds of [Math.floor(stats.mtimeMs / 1000), Math.round(stats.mtimeMs / 1000)]) {
      this.#seen.add(keyOf(stats, seconds));
    }
  }
}

function lookAt(look: () => Stats): Stats | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** A folder's size says how its file system stores it. */
function keyOf(stats: Stats, seconds: number): string {
  return `${stats.isDirectory() ? 'folder' : stats.size} ${seconds}`;
}

function contextOf(args: readonly string[]): string | undefined {
  const at = args.findIndex((word) => /^--contextdir(=|$)/.test(word));
  if (at === -1) return undefined;
  return args[at]?.slice('--contextdir='.length) || args[at + 1];
}
