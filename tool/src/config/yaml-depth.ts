import { CST, Lexer } from 'yaml';

export const MAXIMAL_DEPTH = 64;
const MARKS: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]);

/**
 * The offset where a document nests deeper than MAXIMAL_DEPTH, or -1. To be asked before composing: the yaml package recurses
 * there, and 100,000 dashes end the whole process with an out-of-memory abort that no catch sees.
 */
export function tooDeepAt(text: string): number {
  return isShallow(text) ? -1 : exactly(text);
}

/** True for all usual files, from a look at brackets and line beginnings only. */
function isShallow(text: string): boolean {
  let brackets = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) brackets++;
  }
  if (brackets > MAXIMAL_DEPTH) return false;
  // Each level of a block is one column further in, or one more indicator on the same line.
  return !/^[ ]{40}|(?:[-?:][ \t]+){12}/m.test(text);
}

function exactly(text: string): number {
  const indents: number[] = [];
  let flow = 0;
  let offset = 0;
  let column = 0;
  let key = 0;
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token);
    if (type === 'flow-map-start' || type === 'flow-seq-start') flow++;
    else if (type === 'flow-map-end' || type === 'flow-seq-end') flow = Math.max(0, flow - 1);
    else if (isKey(type)) key = column;
    else if (flow === 0 && opensBlock(type)) {
      const from = type === 'map-value-ind' ? key : column;
      while (indents.length > 0 && (indents.at(-1) ?? 0) >= from) indents.pop();
      indents.push(from);
    }
    if (indents.length + flow > MAXIMAL_DEPTH) return offset;
    // Marks of document and scalar that the lexer puts between the tokens are not in the text.
    if (MARKS.has(token)) continue;
    offset += token.length;
    const newline = token.lastIndexOf('\n');
    column = newline === -1 ? column + token.length : token.length - newline - 1;
  }
  return -1;
}

function isKey(type: ReturnType<typeof CST.tokenType>): boolean {
  return type === 'scalar' || type === 'single-quoted-scalar' || type === 'double-quoted-scalar' || type === 'alias';
}

function opensBlock(type: ReturnType<typeof CST.tokenType>): boolean {
  return type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind';
}
