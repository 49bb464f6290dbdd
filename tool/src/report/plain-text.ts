// Children print what they like: package scripts of strangers, files of an image. A terminal would obey it (window titles,
// clipboard, answers typed back), so nothing of theirs is shown before it went through here.

// CSI, the string sequences (OSC, DCS, SOS, PM, APC) with or without their end, other escapes; 7-bit and 8-bit forms.
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?/g;

const BLANKS = /[\t\n\v\f\u2028\u2029]+/g;
/** Control and format characters (bidirectional overrides among them), but the joiner that emoji need. */
const INVISIBLE = /(?!\u200d)[\p{Cc}\p{Cf}]/gu;

/**
 * One line of foreign text as it may be shown: no control sequence, no control character, no line break. Of a line that
 * a carriage return painted over, what would be seen last.
 */
export function plainText(line: string): string {
  if (/^[ -~]*$/.test(line)) return line;
  const visible = line.replace(SEQUENCES, '');
  const painted = visible.includes('\r') ? visible.split('\r').findLast((part) => part.trim() !== '') : visible;
  return (painted ?? '').replace(BLANKS, ' ').replace(INVISIBLE, '').toWellFormed();
}

/** Foreign text of several lines, each made plain; blank lines at the end are dropped. */
export function plainLines(text: string): string[] {
  return text.replace(/\s+$/, '').split(/\r?\n/).map(plainText);
}
