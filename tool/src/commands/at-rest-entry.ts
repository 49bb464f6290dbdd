import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { idleText } from '../report/idle-text.ts';
import { isStillAtRest, readAtRest } from './at-rest.ts';
import { environmentDigest, restQuestion } from './at-rest-question.ts';

/**
 * The second entry of the bundle, asked before the first is loaded: when nothing has changed since an equal build found nothing to
 * do, says so and gives true. False is never wrong: then the build looks for itself.
 */
export function isAtRest(argv: readonly string[]): boolean {
  try {
    const question = restQuestion(argv, process.cwd(), process.env);
    if (question === undefined) return false;
    const was = readAtRest(join(question.stateDir, 'cache', 'at-rest.json'));
    if (was === undefined || was.key !== question.key) return false;
    if (was.until !== null && Date.now() >= was.until) return false;
    if (was.environment !== environmentDigest(process.env, was.counted) || !isStillAtRest(was)) return false;
    print(was);
    return true;
  } catch {
    return false;
  }
}

/** By descriptor: making streams of them costs more than the whole answer. */
function print({ count, warnings }: { readonly count: number; readonly warnings: readonly string[] }): void {
  for (const warning of warnings) write(2, `${warning}\n`);
  write(1, `${idleText(count, false, performance.now())}\n`);
}

/** A pipe that is full, or of which nobody is left to read, is for the streams to deal with. */
function write(descriptor: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(descriptor, bytes, written);
  } catch {
    (descriptor === 1 ? process.stdout : process.stderr).write(bytes.subarray(written));
  }
}
