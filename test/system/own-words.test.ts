import { expect, test } from 'vitest';
import { OF_SHELL, OwnWords } from '../../tool/src/system/own-words.ts';

/** What comes through of chunks, and what was held back of them. */
function through(...chunks: string[]) {
  return throughWords(undefined, chunks);
}

function throughWords(kind: ConstructorParameters<typeof OwnWords>[1], chunks: readonly string[]) {
  let passed = '';
  const words = new OwnWords((bytes) => {
    passed += bytes.toString('latin1');
  }, kind);
  for (const chunk of chunks) words.push(Buffer.from(chunk, 'latin1'));
  const before = passed;
  const own = words.end();
  return { passed, before, own };
}

test('the last words that are not the program’s are held back', () => {
  const noise = 'subprocess exited with status 3\nsubprocess exited with status 3\nError: exit status 3\n';
  expect(through(`mine\n${noise}`)).toMatchObject({ passed: 'mine\n', own: noise.trimEnd().split('\n') });
  expect(through('no newline', ' at all')).toMatchObject({ passed: 'no newline at all', own: [] });
  expect(through('subprocess ex', 'ited on killed').own).toEqual(['subprocess exited on killed']);
});

test('what only looks like them comes through as soon as more follows, byte by byte', () => {
  expect(through('Error: exit status 3\nmore\n').passed).toBe('Error: exit status 3\nmore\n');
  expect(through('Error: ', 'of mine\n').passed).toBe('Error: of mine\n');
  expect(through('prompt> ').before).toBe('prompt> ');
  expect(through('a subprocess exited with status 3').passed).toBe('a subprocess exited with status 3');
  expect(through('half', '\nsubprocess exited with status 1\n')).toMatchObject({ passed: 'half\n' });
  expect(through('\xff\x00\n').passed).toBe('\xff\x00\n');
});

test('where a mark ends what the program prints, only the words of its shell are held back', () => {
  expect(throughWords(OF_SHELL, ['exit status 1\n'])).toMatchObject({ passed: 'exit status 1\n', own: [] });
  const missing = 'layers-run: 6: exec: nosuch: not found';
  expect(throughWords(OF_SHELL, ['mine\nlay', `${missing.slice(3)}\n`])).toMatchObject({
    passed: 'mine\n',
    own: [missing],
  });
});
