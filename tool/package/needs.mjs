import { packageTable } from '../setup/packages.mjs';

/** What a package of the tool asks for, by what set-up installs: `required` and `recommended` names of `manager`. */
export function needsOf(manager) {
  const run = packageTable.filter(({ use }) => use === 'run');
  const names = (required) => [...new Set(run.filter((entry) => entry.required === required).flatMap(manager))].sort();
  const required = names(true);
  return { required, recommended: names(false).filter((name) => !required.includes(name)) };
}

/** Names for apt. */
export function aptNames(entry) {
  return entry.apt;
}

/** One .rpm for both families: where their names differ, rpm takes either. */
export function rpmNames({ dnf, zypper }) {
  const [one, other] = [dnf, zypper].map((names) =>
    names.filter((name) => !(dnf.includes(name) && zypper.includes(name))),
  );
  const both = dnf.filter((name) => zypper.includes(name));
  if (one.length === 0 || other.length === 0) return [...both, ...one, ...other];
  return [...both, `(${one[0]} or ${other[0]})`, ...one.slice(1), ...other.slice(1)];
}
