import { expect, test } from 'vitest';
import type { Prepared } from '../../tool/src/commands/prepare.ts';
import { takeOver } from '../../tool/src/commands/watch-plan.ts';
import type { LayerId } from '../../tool/src/config/layer.ts';
import { graphOf, layer } from '../helpers/layers.ts';

const tree = () => ({ graph: graphOf([layer('a'), layer('b')], {}) }) as unknown as Prepared;

test('of layers that were cancelled, what would only fail again does not begin again in the same run', () => {
  const both = new Set(['a', 'b'] as LayerId[]);
  expect(takeOver(tree(), tree(), both, new Set())).toEqual(both);
  expect(takeOver(tree(), tree(), both, new Set(['a'] as LayerId[]))).toEqual(new Set(['b']));
});
