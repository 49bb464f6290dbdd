import type { Estimate } from '../plan/estimate.ts';
import type { PlannedLayer } from '../plan/planned-layer.ts';
import type { Reason } from '../plan/reason.ts';
import { count } from './format.ts';
import { createPaint } from './palette.ts';
import { plainText } from './plain-text.ts';
import { displayWidth, padTo } from './width.ts';

const NAME_COLUMNS = 40;
const NAMED_FRESH = 8;

const ACTIONS = {
  build: { colour: 'green', counted: 'to build' },
  reuse: { colour: 'cyan', counted: 'to reuse' },
  publish: { colour: 'cyan', counted: 'to publish' },
  pending: { colour: 'yellow', counted: 'pending' },
  nothing: { colour: 'dim', counted: 'up to date' },
} as const;

/** A plan for people, in build order: what would be done to each layer and why; layers that are up to date in one line. */
export function planLines(plan: readonly PlannedLayer[], options: { readonly colour: boolean }): string[] {
  const paint = createPaint(options.colour);
  const todo = plan.filter((layer) => layer.action !== 'nothing');
  const fresh = plan.filter((layer) => layer.action === 'nothing');
  const columns = Math.min(NAME_COLUMNS, Math.max(0, ...todo.map((layer) => displayWidth(nameOf(layer)))));
  const lines = todo.flatMap((layer) => {
    const [first = '', ...others] = ownFirst(layer.reasons).map((reason) => {
      return reason.from === undefined ? plainText(reason.text) : paint('dim', plainText(reason.text));
    });
    const action = paint(ACTIONS[layer.action].colour, layer.action.padEnd(7));
    const indent = ' '.repeat(7 + 2 + columns + 2);
    return [
      `${action}  ${padTo(nameOf(layer), columns)}  ${first}`.trimEnd(),
      ...others.map((reason) => `${indent}${reason}`),
    ];
  });
  if (fresh.length > 0) {
    const named = fresh.slice(0, NAMED_FRESH).map(nameOf);
    const more = fresh.length > named.length ? ` and ${fresh.length - named.length} more` : '';
    lines.push(paint('dim', `up to date: ${named.join(', ')}${more}`));
  }
  const counts = Object.entries(ACTIONS).flatMap(([action, { counted }]) => {
    const number = plan.filter((layer) => layer.action === action).length;
    return number === 0 ? [] : [`${number.toLocaleString('en-US')} ${counted}`];
  });
  return [...lines, `${count(plan.length, 'layer')}${counts.length === 0 ? '' : `: ${counts.join(', ')}`}`];
}

/** The id, with the architecture of a layer for several. */
function nameOf({ id, architecture }: PlannedLayer): string {
  const isTold = architecture === undefined || id.endsWith(`@${architecture}`);
  return plainText(isTold ? id : `${id}@${architecture}`);
}

/** A layer's own reasons before those that come from an ancestor. */
function ownFirst(reasons: readonly Reason[]): Reason[] {
  return [...reasons.filter(({ from }) => from === undefined), ...reasons.filter(({ from }) => from !== undefined)];
}

interface PlanDocument {
  readonly version: 1;
  readonly layers: readonly PlannedLayer[];
  readonly estimate?: Estimate;
}

/**
 * The document of `plan --json`, in build order. Its shape is promised: a change to it is a new version. Reasons that come from an ancestor
 * say so by `from`.
 */
export function planJson(plan: readonly PlannedLayer[], estimate?: Estimate): PlanDocument {
  return {
    version: 1,
    layers: plan.map(({ id, name, architecture, path, parents, action, reasons, recipeKey }) => ({
      id,
      name,
      ...(architecture !== undefined && { architecture }),
      path,
      parents,
      action,
      reasons: ownFirst(reasons).map(({ code, text, from }) => ({ code, text, ...(from !== undefined && { from }) })),
      recipeKey,
    })),
    ...(estimate && { estimate }),
  };
}
