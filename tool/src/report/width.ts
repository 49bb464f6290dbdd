// Terminal columns of text. Node keeps its own table to itself, and string-width would be loaded for every plain run.
const segmenter = new Intl.Segmenter();
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Emoji}\uFE0F/u;
const PRINTABLE_ASCII = /^[ -~]*$/;

/** Blocks whose characters take two columns (East Asian Width W and F, the blocks that occur). */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18cff],
  [0x20000, 0x3fffd],
];

/** Columns that `text` takes; it must hold no control sequences. */
export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** `text`, or as much of its beginning as fits with an ellipsis in `columns`. Control sequences must be gone. */
export function truncate(text: string, columns: number): string {
  if (columns <= 0) return '';
  // Cut first: a line of a megabyte is not to be measured ten times a second. No grapheme in use is that long.
  const bounded = text.length > columns * 32 ? text.slice(0, columns * 32).toWellFormed() : text;
  if (bounded.length === text.length && displayWidth(bounded) <= columns) return bounded;
  let kept = '';
  let width = 0;
  for (const { segment } of segmenter.segment(bounded)) {
    width += graphemeWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** `text` in exactly `columns`: truncated or filled with blanks at the right. */
export function padTo(text: string, columns: number): string {
  const short = truncate(text, columns);
  return short + ' '.repeat(Math.max(0, columns - displayWidth(short)));
}

function graphemeWidth(grapheme: string): number {
  if (ZERO_WIDTH.test(grapheme)) return 0;
  if (EMOJI.test(grapheme)) return 2;
  const code = grapheme.codePointAt(0) ?? 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}
