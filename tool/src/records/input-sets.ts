import { type InputSet, MOST_INPUT_SETS } from '../recipe/input-set.ts';

/** The input sets in a list that others may have written. What is none is left out: its names would be looked for on this machine. */
export function inputSetsIn(list: unknown): readonly InputSet[] {
  return Array.isArray(list) ? list.filter(isInputSet).slice(0, MOST_INPUT_SETS) : [];
}

/** Whether it is one of the version of now: an earlier one does not tell all that a run read. */
export function isInputSet(value: unknown): value is InputSet {
  const set = value as Partial<InputSet> | null;
  const areNames = (names: unknown) => Array.isArray(names) && names.every((name) => typeof name === 'string');
  return set?.version === 2 && areNames(set.read) && areNames(set.probed) && areNames(set.listed);
}
