import { DirectedGraph } from 'graphology';

/** Nodes are layers, edges go from what is needed to who needs it. What is not among the ids is left out. */
export function neededGraph<Id extends string>(ids: Iterable<Id>, neededOf: (id: Id) => Iterable<Id>): DirectedGraph {
  const graph = new DirectedGraph();
  const nodes = [...ids];
  for (const id of nodes) graph.addNode(id);
  for (const id of nodes) {
    for (const needed of neededOf(id)) if (graph.hasNode(needed)) graph.mergeDirectedEdge(needed, id);
  }
  return graph;
}

/**
 * What is needed before who needs it; among what is ready the least id first, so that the order is the same on every machine. Members of a cycle,
 * and what stands on them, are left out. Kahn's algorithm with a heap, without recursion: a chain 10,000 deep is ordinary.
 */
export function topologicalOrder<Id extends string>(graph: DirectedGraph): Id[] {
  const waitsFor = new Map<string, number>();
  const ready: Id[] = [];
  graph.forEachNode((id) => {
    const parents = graph.inDegree(id);
    if (parents === 0) push(ready, id as Id);
    else waitsFor.set(id, parents);
  });
  const order: Id[] = [];
  for (let next = pop(ready); next !== undefined; next = pop(ready)) {
    order.push(next);
    graph.forEachOutNeighbor(next, (child) => {
      const rest = (waitsFor.get(child) ?? 0) - 1;
      waitsFor.set(child, rest);
      if (rest === 0) push(ready, child as Id);
    });
  }
  return order;
}

/** Every cycle of the parent links once, each from its least id on, child before parent. */
export function cyclesOf<Id extends string>(ids: Iterable<Id>, parentOf: (id: Id) => Id | undefined): Id[][] {
  const walkOf = new Map<Id, Id>();
  const cycles: Id[][] = [];
  for (const start of ids) {
    let here: Id | undefined = start;
    while (here !== undefined && !walkOf.has(here)) {
      walkOf.set(here, start);
      here = parentOf(here);
    }
    // Only a walk that comes back to itself, not one that meets an earlier walk, closes a cycle.
    if (here !== undefined && walkOf.get(here) === start) cycles.push(fromLeast(around(here, parentOf)));
  }
  return cycles;
}

/** One of the cycles that keep nodes out of the order, from its least id on, each before what it needs; undefined where none is. */
export function cycleLeft<Id extends string>(graph: DirectedGraph, order: readonly Id[]): Id[] | undefined {
  const placed = new Set<string>(order);
  const left = (id: string) => !placed.has(id);
  const start = graph.findNode(left);
  if (start === undefined) return undefined;
  // What is left out waits for something that is left out.
  const walk = new Map<string, string>();
  let here: string = start;
  while (!walk.has(here)) {
    const next = graph.inNeighbors(here).filter(left).sort()[0] as string;
    walk.set(here, next);
    here = next;
  }
  return fromLeast(around(here as Id, (id) => walk.get(id) as Id | undefined));
}

function around<Id extends string>(start: Id, parentOf: (id: Id) => Id | undefined): Id[] {
  const members = [start];
  for (let here = parentOf(start); here !== undefined && here !== start; here = parentOf(here)) members.push(here);
  return members;
}

function fromLeast<Id extends string>(cycle: readonly Id[]): Id[] {
  const least = cycle.reduce((best, id, index) => (id < (cycle[best] as Id) ? index : best), 0);
  return [...cycle.slice(least), ...cycle.slice(0, least)];
}

function push<T extends string>(heap: T[], value: T): void {
  let at = heap.push(value) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if ((heap[above] as T) <= value) break;
    heap[at] = heap[above] as T;
    at = above;
  }
  heap[at] = value;
}

function pop<T extends string>(heap: T[]): T | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (heap.length === 0 || last === undefined) return top;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && (heap[below + 1] as T) < (heap[below] as T)) below++;
    if ((heap[below] as T) >= last) break;
    heap[at] = heap[below] as T;
    at = below;
  }
  heap[at] = last;
  return top;
}
