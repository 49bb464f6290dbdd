/** What every container of a run begins with. */
function containerPrefix(runId: string): string {
  return `layers-${safeName(runId)}-`;
}

/** `layers-RUN-NUMBER-LAYER`; a run's number tells apart what one layer makes. */
export function containerName(runId: string, number: number, layer?: string): string {
  return `${containerPrefix(runId)}${number}${layer === undefined ? '' : `-${safeName(layer)}`}`;
}

/** Whether a container was made for this layer (any, when undefined) in this run. */
export function isContainerOf(name: string, runId: string, layer?: string): boolean {
  const prefix = containerPrefix(runId);
  if (!name.startsWith(prefix)) return false;
  return layer === undefined || name.slice(prefix.length).replace(/^\d+-/, '') === safeName(layer);
}

const KEPT = 'layers-failed-';

/** The name under which the working container of a failed layer stays when its run is over. */
export function keptContainerName(name: string): string {
  return name.replace(/^layers-/, KEPT);
}

/** Names of containers are letters, digits, `_`, `.` and `-`. Two ids never give the same name. */
function safeName(text: string): string {
  return text
    .replaceAll(/[^a-zA-Z0-9/-]/g, (character) => `_${character.codePointAt(0)?.toString(16)}_`)
    .replaceAll('/', '.');
}
