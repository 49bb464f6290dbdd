import { InvalidInput } from '../config/diagnostic.ts';

const UNITS = { m: 60_000, h: 3_600_000, d: 24 * 3_600_000, w: 7 * 24 * 3_600_000 } as const;
const SIZES = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 } as const;

type Value = string | boolean | string[] | undefined;

/** `30m`, `12h`, `7d`, `4w` in milliseconds. Throws InvalidInput. */
export function readAge(option: string, value: Value): number | undefined {
  if (typeof value !== 'string') return undefined;
  const [, number, unit] = /^(\d{1,6})([mhdw])$/.exec(value) ?? [];
  if (number === undefined) throw new InvalidInput(`${option} ${value}: it takes an age such as 12h, 7d or 4w`);
  return Number(number) * UNITS[unit as keyof typeof UNITS];
}

/** `500M`, `20G`, `1.5T` or plain bytes; powers of 1000, as sizes are shown, and of 1024 with an `i` (`20Gi`). Throws InvalidInput. */
export function readSize(option: string, value: Value): number | undefined {
  if (typeof value !== 'string') return undefined;
  const [, number, unit, binary] = /^(\d{1,15}(?:\.\d{1,3})?)(?:([kmgt])(i)?b?)?$/i.exec(value) ?? [];
  if (number === undefined) throw new InvalidInput(`${option} ${value}: it takes a size such as 500M, 20G or 20Gi`);
  const power = unit === undefined ? 1 : SIZES[unit.toLowerCase() as keyof typeof SIZES];
  const exact = binary === undefined ? power : 1024 ** Math.round(Math.log10(power) / 3);
  return Math.floor(Number(number) * exact);
}

/** A whole number from 0. Throws InvalidInput. */
export function readCount(option: string, value: Value): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (!/^\d{1,6}$/.test(value)) throw new InvalidInput(`${option} ${value}: it takes a whole number from 0`);
  return Number(value);
}
