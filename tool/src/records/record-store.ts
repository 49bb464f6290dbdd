import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { writeFileAtomic } from '../system/files.ts';
import { decodeChecked, encodeChecked } from './checked-json.ts';
import { isInputSet } from './input-sets.ts';

/** What the store holds of one layer. A damaged record was set aside as `…json.damaged` and counts as none. */
type StoredRecord =
  | { readonly kind: 'none' }
  | { readonly kind: 'record'; readonly record: LayerRecord }
  | { readonly kind: 'damaged'; readonly file: string };

/** Local records, one file a layer, each with a checksum: the old one or the new one after a crash, never a false hit. */
export interface RecordStore {
  read(id: LayerId): StoredRecord;
  /** Durable when it returns. */
  write(record: LayerRecord): Promise<void>;
}

/** Records under `<stateDir>/records`. Nothing is created before the first write. */
export function openRecords(stateDir: string): RecordStore {
  const folder = folderOf(stateDir);
  const fileOf = (id: string) => join(folder, nameOf(id));
  return {
    read(id) {
      const file = fileOf(id);
      let text: string;
      try {
        text = readFileSync(file, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'none' };
        throw error;
      }
      const record = decode(text, id);
      if (record !== undefined) return { kind: 'record', record };
      const aside = `${file}.damaged`;
      try {
        renameSync(file, aside);
      } catch (error) {
        // A state folder that cannot be written to: the damaged record stays where it is and is still not believed.
        if (!['EROFS', 'EACCES', 'EPERM', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
      return { kind: 'damaged', file: aside };
    },
    async write(record) {
      mkdirSync(folder, { recursive: true });
      await writeFileAtomic(fileOf(record.id), encodeChecked(record));
    },
  };
}

/** In milliseconds, 0 without a record. No build that failed writes it. */
export function recordWrittenAt(stateDir: string, id: LayerId): number {
  return statSync(join(folderOf(stateDir), nameOf(id)), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** All records of a state folder, of layers of whatever branch. What is damaged is none, and stays as it is. */
export function allRecords(stateDir: string): readonly LayerRecord[] {
  const folder = folderOf(stateDir);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^[^.].*\.json$/.test(name));
  return names.flatMap(
    (name) => decode(readFileSync(join(folder, name), 'utf8'), decodeURIComponent(name.slice(0, -5))) ?? [],
  );
}

function folderOf(stateDir: string): string {
  return join(stateDir, 'records');
}

function nameOf(id: string): string {
  return `${encodeURIComponent(id)}.json`;
}

function decode(text: string, id: string): LayerRecord | undefined {
  const record = decodeChecked(text) as LayerRecord | null | undefined;
  if (record?.version !== 2 || record.id !== id) return undefined;
  const { inputSet, ...rest } = record;
  return inputSet === undefined || isInputSet(inputSet) ? record : rest;
}
