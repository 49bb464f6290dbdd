import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainLines, plainText } from '../../tool/src/report/plain-text.ts';

test.each([
  ['colours', '\x1b[1;32mok\x1b[0m: [host]', 'ok: [host]'],
  ['a window title', '\x1b]0;owned\x07text', 'text'],
  ['a title ended by ST', '\x1b]2;owned\x1b\\text', 'text'],
  ['a clipboard write without an end', 'before\x1b]52;c;cm0gLXJmIC8=', 'before'],
  ['a hyperlink', '\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'link'],
  ['a device control string', '\x1bP+q544e\x1b\\text', 'text'],
  ['a status request', '\x1b[6ntext\x1b[c', 'text'],
  ['8-bit control sequences', '\x9b2Jtext\x9d0;owned\x9c', 'text'],
  ['a charset switch', '\x1b(0lqqk\x1b(B', 'lqqk'],
  ['a reset', '\x1bctext', 'text'],
  ['an alternate screen', '\x1b[?1049htext\x1b[?1049l', 'text'],
  ['bell, backspace and delete', 'a\x07b\x08c\x7fd', 'abcd'],
  ['a right-to-left override', 'gpj.\u202eexe', 'gpj.exe'],
  ['tabs', 'a\tb', 'a b'],
  ['progress that paints over itself', '10%\r50%\r100%\r', '100%'],
  ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
])('%s', (_name, line, text) => expect(plainText(line)).toBe(text));

test('nothing that a terminal obeys is left, whatever comes', () => {
  const pieces = fc.constantFrom(
    '\x1b',
    '\x1b]',
    '\x1b[',
    '\x9b',
    '\x9d',
    '\x07',
    '\x1b\\',
    '\r',
    '31m',
    ';',
    '日',
    'a',
    '\x1bP',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string({ unit: 'binary' })), { maxLength: 12 }), (parts) => {
      const text = plainText(parts.join(''));
      expect(text).not.toMatch(/(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(plainText(text)).toBe(text);
    }),
  );
});

test('lines of a message', () => expect(plainLines('one\r\ntwo\x1b[2J\n\n')).toEqual(['one', 'two']));
