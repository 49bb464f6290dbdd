import type { Scalar } from './located.ts';

const BOOLEAN = /^(?:yes|Yes|YES|on|On|ON|true|True|TRUE)$|^(no|No|NO|off|Off|OFF|false|False|FALSE)$/;
const INTEGER = /^([-+]?)(?:0b([01_]+)|0x([0-9a-fA-F_]+)|0([0-7_]+)|(0|[1-9][0-9_]*))$/;
const SEXAGESIMAL = /^([-+]?)([0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)$/;
const FLOAT = /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$/;

/**
 * What PyYAML makes of an unquoted word: image-build and Ansible read YAML 1.1 through it, where `yes` is a boolean, `0644` is
 * octal and `12e4` is text. Dates stay text, and so do infinity and NaN, which JSON does not know.
 */
export function plainScalar(source: string): Scalar {
  if (source === '' || source === '~' || source === 'null' || source === 'Null' || source === 'NULL') return null;
  const first = source.charCodeAt(0);
  const numeric = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d || first === 0x2e;
  if (!numeric) {
    const boolean = source.length <= 5 ? BOOLEAN.exec(source) : null;
    return boolean === null ? source : boolean[1] === undefined;
  }
  const integer = INTEGER.exec(source);
  if (integer !== null) return integerOf(integer) ?? source;
  if (FLOAT.test(source)) return Number(source.replaceAll('_', ''));
  const sexagesimal = SEXAGESIMAL.exec(source);
  if (sexagesimal !== null) return sexagesimalOf(sexagesimal[1] === '-', sexagesimal[2] ?? '');
  return source;
}

function integerOf([, sign, binary, hexadecimal, octal, decimal]: RegExpExecArray): number | undefined {
  const digits = (binary ?? hexadecimal ?? octal ?? decimal ?? '').replaceAll('_', '');
  if (digits === '') return undefined;
  const radix = (binary && 2) || (hexadecimal && 16) || (octal && 8) || 10;
  const size = Number.parseInt(digits, Number(radix));
  return sign === '-' && size !== 0 ? -size : size;
}

function sexagesimalOf(negative: boolean, digits: string): number {
  const size = digits
    .replaceAll('_', '')
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0);
  return negative ? -size : size;
}
