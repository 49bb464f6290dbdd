import { readFile, stat, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { CommandFailure } from '../system/command.ts';
import { regularFileInRoot, resolveInRoot } from '../system/in-root.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { installOpenscap } from './openscap-install.ts';
import { loadOval } from './openscap-oval.ts';
import {
  atLeast,
  failedRules,
  ovalFindings,
  type RuleResult,
  ruleResults,
  summaryOf,
  withoutBuilder,
} from './openscap-results.ts';
import { OPENSCAP_PATHS, type OpenscapSettings, openscapSettings } from './openscap-settings.ts';
import { type BuildStep, stepIf } from './package-manager.ts';
import { exportScript, proxyVariables } from './proxy.ts';
import type { UsedRepositories } from './repositories.ts';

/**
 * Not OSCAP_PROBE_ROOT, which oscap's own tools for images set: Debian's oscap 1.3.7 then finds no package at all, and says of each
 * rule what follows from that. So it sees the builder's kernel, and what it notes of the builder is taken out.
 */
const ENVIRONMENT = { LC_ALL: 'C.UTF-8' };
/** Proxies may hold a password, and `--env` would show it. */
const WITH_PROXIES = 'eval "$(cat)"; exec "$@" < /dev/null';
/** oscap's word for "a rule did not pass", which is a result. */
const DONE = [0, 2];

/**
 * The last part of a layer: installs OpenSCAP, evaluates a benchmark and OVAL definitions, inside. What they find stays in the image and
 * beside the layer's log. A rule that fails is a result, unless `scap_fail_on` says otherwise; a scan that fails is an error.
 */
export function openscapSteps(target: BuildTarget, workspace: Workspace, used: UsedRepositories): BuildStep[] {
  const { options } = target.layer;
  const settings = openscapSettings(target.layer);
  return [
    ...stepIf(options.install_scap, 'install_scap', () => installOpenscap(target, workspace, used)),
    ...stepIf(options.scap_benchmark, 'scap_benchmark', () => evaluate(settings, target, workspace)),
    ...stepIf(options.oval_eval, 'oval_eval', () => evaluateOval(settings, target, workspace)),
  ];
}

async function evaluate(settings: OpenscapSettings, target: BuildTarget, workspace: Workspace): Promise<void> {
  const { profile, benchmark_path: benchmark, results_path: results, remediate_path: remediation } = settings;
  await prepare('scap_benchmark', settings, [results, remediation], target, workspace);
  await needFile('benchmark_path', benchmark, target);
  const chosen = profile === undefined ? [] : ['--profile', profile];
  let done = 0;
  const onLine = (line: string) => {
    const [, rule] = /^(xccdf_\S+|\S+):(?:pass|fail|error|unknown|not\w+|informational|fixed)$/.exec(line) ?? [];
    if (rule !== undefined) workspace.progress(rule, ++done);
  };
  const words = ['--fetch-remote-resources', '--progress', '--results', results, benchmark ?? ''];
  await oscap('scap_benchmark', ['xccdf', 'eval', ...chosen, ...words], target, workspace, onLine);
  const found = ruleResults(await keep('scan.xml', results, target, workspace));
  // The script is for what failed here: an empty id stands for the result in the file.
  const fix = ['xccdf', 'generate', 'fix', '--fix-type', 'bash', '--result-id', '', '--output', remediation, results];
  await oscap('scap_benchmark', fix, target, workspace);
  await keep('remediate.sh', remediation, target, workspace);
  report(found, workspace);
  refuse(found, target);
}

function report(found: readonly RuleResult[], workspace: Workspace): void {
  for (const { rule, severity, result } of failedRules(found)) workspace.say(`${result} (${severity}): ${rule}`);
  if (found.every(({ result }) => result === 'notapplicable')) {
    workspace.warn('scap_benchmark: no rule applies to this image: the benchmark may be for another system');
  } else if (failedRules(found).length > 0) workspace.warn(`scap_benchmark: ${summaryOf(found)}`);
  else workspace.say(`scap_benchmark: ${summaryOf(found)}`);
}

function refuse(found: readonly RuleResult[], { layer }: BuildTarget): void {
  const { scap_fail_on: severity } = layer.options;
  if (severity === undefined) return;
  const refused = atLeast(severity, failedRules(found));
  if (refused.length === 0) return;
  const names = refused.map((one) => `${one.rule} (${one.severity})`).join(', ');
  const rules = refused.length === 1 ? '1 rule' : `${refused.length} rules`;
  throw new BuildFailure(`scap_fail_on: ${severity}, and ${rules} of that severity or above failed: ${names}`, {
    hint: "the results and a script that repairs are beside the layer's log",
  });
}

async function evaluateOval(settings: OpenscapSettings, target: BuildTarget, workspace: Workspace): Promise<void> {
  const { oval_url: url, oval_xml: definitions, oval_path: results } = settings;
  await prepare('oval_eval', settings, [definitions, results], target, workspace);
  if (url === undefined) await needFile('oval_xml', definitions, target);
  else {
    const file = await loadOval(url, target, workspace);
    await workspace.buildah.copy(target.container, [file], definitions, ['--chmod', '0644']);
  }
  await oscap('oval_eval', ['oval', 'eval', '--results', results, definitions], target, workspace);
  const { found, failed } = ovalFindings(await keep('vulnerabilities.xml', results, target, workspace));
  for (const id of found) workspace.say(`found: ${id}`);
  if (failed > 0) workspace.warn(`oval_eval: ${failed} definitions could not be evaluated`);
  const summary = `oval_eval: ${found.length} vulnerabilities or missing patches`;
  if (found.length > 0) workspace.warn(summary);
  else workspace.say(summary);
}

/** Makes the folders for what is written; complains about paths, and about a missing scanner. */
async function prepare(
  key: string,
  settings: OpenscapSettings,
  written: readonly string[],
  { mountPoint, container }: BuildTarget,
  workspace: Workspace,
): Promise<void> {
  for (const name of OPENSCAP_PATHS) {
    const file = settings[name];
    if (file === undefined || (file.startsWith('/') && !file.endsWith('/') && !file.split('/').includes('..')))
      continue;
    throw new BuildFailure(`openscap: ${name} is not the absolute path of a file: ${file}`);
  }
  if ((await regularFileInRoot(mountPoint, '/usr/bin/oscap')) === undefined) {
    throw new BuildFailure(`${key}: there is no oscap in the image`, {
      hint: '`install_scap: true` under `options` installs it',
    });
  }
  for (const folder of new Set(written.map((file) => posix.dirname(file)))) {
    if ((await resolveInRoot(mountPoint, folder)) !== undefined) continue;
    await workspace.buildah.run(container, ['mkdir', '-p', '--', folder], { quiet: true });
  }
}

async function needFile(name: 'benchmark_path' | 'oval_xml', file: string | undefined, target: BuildTarget) {
  if (file === undefined) throw new BuildFailure(`scap_benchmark: \`${name}\` is missing under \`openscap\``);
  if ((await regularFileInRoot(target.mountPoint, file)) !== undefined) return;
  const other = name === 'oval_xml' ? '`oval_url` loads one, ' : '';
  throw new BuildFailure(`openscap: ${name}: there is no ${file} in the image`, {
    hint: `${other}\`copyfiles\` brings one of the tree, and \`install_scap\` those of the distribution`,
  });
}

async function oscap(
  key: string,
  args: readonly string[],
  { container, layer }: BuildTarget,
  workspace: Workspace,
  onLine: (line: string) => void = () => undefined,
): Promise<void> {
  const proxies = proxyVariables(layer);
  const hasProxies = Object.keys(proxies).length > 0;
  const argv = ['oscap', ...args];
  try {
    await workspace.buildah.run(container, hasProxies ? ['/bin/sh', '-c', WITH_PROXIES, 'sh', ...argv] : argv, {
      env: ENVIRONMENT,
      extra: ['--hostname', 'localhost'],
      collect: false,
      accept: DONE,
      onLine,
      ...(hasProxies ? { input: exportScript(proxies) } : {}),
    });
  } catch (error) {
    throw error instanceof CommandFailure ? explained(key, args, error) : error;
  }
}

/** oscap's own last words; those of buildah come after them. */
function explained(key: string, args: readonly string[], failure: CommandFailure): CommandFailure {
  if (failure.reason !== 'exit') return failure;
  const lines = failure.result.tail.filter(
    (line) => line.trim() !== '' && !/^(subprocess exited|Error: |time="|\w+\[\d+\]: )|exit status/.test(line),
  );
  const words = lines.slice(-3).join(' ').trim();
  const message = `${key}: oscap ${args.slice(0, 2).join(' ')}: exit code ${failure.result.exitCode}${words === '' ? '' : `: ${words}`}`;
  return new CommandFailure(failure.reason, failure.result, message, failure);
}

/** Text of a file that oscap wrote, without the builder; a copy stays beside the log, also when the layer fails. */
async function keep(
  name: string,
  file: string,
  { mountPoint, container }: BuildTarget,
  workspace: Workspace,
): Promise<string> {
  const place = await regularFileInRoot(mountPoint, file);
  if (place === undefined) throw new BuildFailure(`oscap wrote no ${file}`);
  const [written, { mode }] = await Promise.all([readFile(place, 'utf8'), stat(place)]);
  const text = withoutBuilder(written);
  if (text !== written) {
    const cleaned = join(workspace.temporary, `openscap-${name}`);
    await writeFile(cleaned, text);
    await workspace.buildah.copy(container, [cleaned], file, ['--chmod', (mode & 0o7777).toString(8)]);
  }
  workspace.keep(name, Buffer.from(text));
  return text;
}
