import type { LayerId } from '../config/layer.ts';
import { count, formatDuration } from './format.ts';
import type { Paint } from './palette.ts';
import { plainText } from './plain-text.ts';

/** What a watch says beside the events of its runs. */
export type WatchNews =
  | { readonly type: 'watch-ready'; readonly layers: number; readonly folders: number; readonly durationMs: number }
  /** Files relative to the root, and the layers that may read them. */
  | { readonly type: 'watch-changed'; readonly files: readonly ChangedFile[] }
  /** It was looked, and nothing follows. */
  | { readonly type: 'watch-unchanged'; readonly files: readonly ChangedFile[] }
  /** Nothing is done until it is mended. */
  | {
      readonly type: 'watch-invalid';
      readonly message: string;
      readonly hint?: string;
      readonly diagnostics: readonly unknown[];
    }
  /** Failed, and nothing of theirs changed since: not tried again. */
  | { readonly type: 'watch-still-failed'; readonly layers: readonly LayerId[] }
  | { readonly type: 'watch-layers'; readonly added: readonly LayerId[]; readonly removed: readonly LayerId[] };

export interface ChangedFile {
  readonly file: string;
  readonly layers: readonly LayerId[];
}

const NAMED = 3;

/** A few words a piece of news; no line for what is not worth one. */
export function newsLines(news: WatchNews, paint: Paint): string[] {
  switch (news.type) {
    case 'watch-ready': {
      const what = `${count(news.layers, 'layer')} in ${count(news.folders, 'folder')}`;
      return [paint('dim', `watching ${what} (ready in ${formatDuration(news.durationMs)})`)];
    }
    case 'watch-changed':
      return fileLines(news.files);
    case 'watch-unchanged':
      if (news.files.length === 0) return [paint('dim', 'nothing to do')];
      return fileLines(news.files).map((line) => paint('dim', `${line}: nothing to do`));
    case 'watch-invalid':
      return [paint('red', plainText(news.message)), ...(news.hint === undefined ? [] : [`  ${plainText(news.hint)}`])];
    case 'watch-still-failed':
      return [paint('yellow', `${names(news.layers)}: failed and not changed since; not tried again`)];
    case 'watch-layers':
      return [
        ...(news.added.length > 0 ? [`new: ${names(news.added)}`] : []),
        ...(news.removed.length > 0 ? [`gone: ${names(news.removed)}`] : []),
      ];
  }
}

function fileLines(files: readonly ChangedFile[]): string[] {
  const lines = files.slice(0, NAMED).map(({ file, layers }) => {
    const readers = layers.length === 0 ? '' : ` → ${names(layers)}`;
    return `${plainText(file)} changed${readers}`;
  });
  return files.length > NAMED ? [...lines, `and ${count(files.length - NAMED, 'more file')}`] : lines;
}

function names(ids: readonly LayerId[]): string {
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '';
  return ids.slice(0, NAMED).map(plainText).join(', ') + more;
}
