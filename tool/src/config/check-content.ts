import { architectureNames, architectureOf, meantArchitecture } from './architectures.ts';
import { printable, warnOfCredentials } from './check-destinations.ts';
import type { Check } from './check-layer.ts';
import { reservedOption } from './dnf-reserved.ts';
import type { Located, Path } from './located.ts';
import { find } from './located.ts';
import { nearest } from './nearest.ts';

/** Repositories, packages, files and the lists that become arguments of programs. */
export function checkContent(check: Check): void {
  checkRepos(check, 'repos');
  checkRepos(check, 'exclusive_repos');
  checkCopyfiles(check);
  const { layer } = check;
  for (const key of ['package_groups', 'packages', 'remove_packages'] as const) checkWords(check, [key], layer[key]);
  checkModules(check);
  for (const key of ['playbooks', 'inventory', 'groups', 'ansible_tags', 'ansible_skip_tags'] as const) {
    checkWords(check, ['options', key], layer.options[key]);
  }
  checkArchitectures(check);
  checkDnfOptions(check);
  layer.cmds.forEach((command, index) => {
    if (command.cmd.includes('\0')) checkText(check, ['cmds', index], command.cmd);
  });
  for (const key of [
    'ansible_requirements',
    'ansible_vault_password_file',
    'boot_kernel',
    'releasever',
    'suite',
    'variant',
    'proxy',
  ] as const) {
    const value = layer.options[key];
    if (value !== undefined) checkText(check, ['options', key], value);
  }
  checkLabels(check);
  checkNumbers(check);
}

/** The alias becomes a file name and a section, so it is held to what is safe in both. */
function checkRepos(check: Check, list: 'repos' | 'exclusive_repos'): void {
  const { layer, report } = check;
  const seen = new Set<string>();
  const unsigned: string[] = [];
  layer[list].forEach((repo, index) => {
    const path: Path = [list, index];
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.:+-]*$/.test(repo.alias)) {
      const message = `\`${printable(repo.alias)}\` cannot be an alias: letters, digits, \`_\`, \`.\`, \`:\`, \`+\` and \`-\`, not beginning with \`-\` or \`.\``;
      const safe = repo.alias.replaceAll(/[^A-Za-z0-9_.:+-]+/g, '-').replace(/^[-.]+|-+$/g, '');
      report([...path, 'alias'], {
        code: 'invalid-alias',
        message,
        ...(safe === '' ? {} : { hint: `for example \`${safe}\`` }),
      });
    } else if (seen.has(repo.alias.toLowerCase())) {
      const message = `Two entries have the alias \`${repo.alias}\`: one would overwrite the other`;
      report([...path, 'alias'], { code: 'duplicate-alias', message });
    }
    seen.add(repo.alias.toLowerCase());
    if (repo.url === undefined && repo.config === undefined) {
      report(path, { code: 'missing-key', message: `\`${list}[${index}]\` lacks \`url\` (or \`config\`)` });
    }
    for (const key of ['url', 'gpg', 'apt_dist', 'apt_comp'] as const) {
      const value = repo[key];
      if (value === undefined || (key === 'gpg' && value.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----'))) continue;
      checkText(check, [...path, key], value);
      if (value.startsWith('-')) leadingDash(check, [...path, key], value);
      warnOfCredentials(check, [...path, key], value);
    }
    // What a file says that is loaded, only a build knows.
    const isFile = /^[a-z]+:\/\/[^?#]*\.repo([?#]|$)/i.test(repo.url ?? '');
    if (repo.gpg === undefined && repo.config === undefined && !isFile) unsigned.push(repo.alias);
  });
  if (unsigned.length > 0) checkSigned(check, list, unsigned);
}

/** apt checks against the system's keyring where no key is given; dnf and zypper cannot check at all then. */
function checkSigned({ layer, report }: Check, list: string, aliases: readonly string[]): void {
  const { gpgcheck, pkg_manager, layer_type } = layer.options;
  if (gpgcheck === false || pkg_manager === 'apt' || layer_type !== 'base') return;
  const names = aliases.map((alias) => `\`${alias}\``).join(', ');
  const strict = gpgcheck === 'strict';
  report([list], {
    severity: strict ? 'error' : 'warning',
    code: 'unsigned-repository',
    message: `${strict ? 'gpgcheck is strict, but there is' : 'Signatures are not checked: there is'} no \`gpg\` key for ${names}`,
    hint: strict ? 'add `gpg`' : 'add `gpg`, or say `gpgcheck: false` if that is meant',
    spot: 'key',
  });
}

function checkCopyfiles(check: Check): void {
  const { layer, report } = check;
  layer.copyfiles.forEach(({ src, dest }, index) => {
    const path: Path = ['copyfiles', index];
    checkText(check, [...path, 'src'], src);
    checkText(check, [...path, 'dest'], dest);
    if (src.startsWith('-')) leadingDash(check, [...path, 'src'], src);
    const bad = (message: string, hint?: string) =>
      report([...path, 'dest'], { code: 'invalid-dest', message, ...(hint && { hint }) });
    if (!dest.startsWith('/'))
      bad(
        `The destination \`${printable(dest)}\` must be absolute`,
        `write \`/${printable(dest.replace(/^(?:\.\/)+/, ''))}\``,
      );
    else if (dest.split('/').includes('..')) bad(`The destination \`${printable(dest)}\` must not go through \`..\``);
  });
}

/** Words that become arguments: an option among them would be obeyed (`-oAPT::…`, `--installroot`). */
function checkWords(check: Check, path: Path, words: readonly string[]): void {
  for (const word of words) {
    if (word.startsWith('-')) leadingDash(check, path, word);
    if (word.trim() === '')
      check.report(path, { code: 'invalid-value', message: `\`${path.at(-1)}\` has an empty item`, item: word });
    else checkText(check, path, word, word);
  }
}

function checkArchitectures({ layer, report }: Check): void {
  for (const name of layer.options.architectures) {
    if (architectureOf(name) !== undefined) continue;
    const near = nearest(name, architectureNames());
    const meant = meantArchitecture(name) ?? (near && `\`${near}\``);
    report(['options', 'architectures'], {
      code: 'unknown-architecture',
      message: `\`${printable(name)}\` is no architecture that images are built for`,
      hint: meant === undefined ? 'for example `amd64` or `arm64`' : `did you mean ${meant}?`,
      item: name,
    });
  }
}

/** Streams of packages are dnf's: other managers have nothing that a list of them could mean. */
function checkModules(check: Check): void {
  const { modules, options } = check.layer;
  for (const [command, specs] of Object.entries(modules)) checkWords(check, ['modules', command], specs);
  const isWanted = Object.values(modules).some((specs) => specs.length > 0);
  const { layer_type: type, pkg_manager: manager } = options;
  if (!isWanted || type !== 'base' || manager === undefined || manager === 'dnf') return;
  const message = `${manager} has no modules: \`modules\` are for \`pkg_manager: dnf\``;
  const hint = 'remove them, and name the packages and versions that are wanted under `packages`';
  check.report(['modules'], { code: 'no-modules', message, hint, spot: 'key' });
}

/** Only the name is shown: the value may be a secret. */
function checkDnfOptions({ layer, report }: Check): void {
  for (const word of layer.options.dnf_options) {
    const name = reservedOption(word);
    if (name === undefined) continue;
    const message = `\`${name}\` cannot be set in \`dnf_options\`: layers itself decides where dnf reads and writes`;
    report(['options', 'dnf_options'], { code: 'invalid-value', message, item: word });
  }
}

function leadingDash({ report }: Check, path: Path, word: string): void {
  const message = `\`${printable(word)}\` begins with a dash and would be taken for an option`;
  report(path, { code: 'leading-dash', message, item: word });
}

function checkText({ report }: Check, path: Path, text: string, item?: string): void {
  if (!/\p{Cc}/u.test(text)) return;
  const message = `\`${printable(text.trimEnd())}\` has a line break or control character in it`;
  const hint = text.endsWith('\n') ? 'write it on one line, or use `|-` and `>-` instead of `|` and `>`' : undefined;
  report(path, { code: 'control-character', message, ...(hint && { hint }), ...(item !== undefined && { item }) });
}

function checkLabels({ layer, report }: Check): void {
  for (const key of Object.keys(layer.options.labels)) {
    if (/^[^\s=\p{Cc}]+$/u.test(key) && !key.startsWith('-')) continue;
    const message = `\`${printable(key)}\` cannot be the name of a label: no white space, no \`=\`, no leading dash`;
    report(['options', 'labels', key], { code: 'invalid-label', message, spot: 'key' });
  }
}

/** `vars: {release: 9.0}` reaches Ansible as 9. */
function checkNumbers({ merged, report }: Check): void {
  const look = (located: Located | undefined, path: Path): void => {
    if (located?.kind === 'map') for (const [key, value] of located.entries) look(value, [...path, key]);
    else if (located?.kind === 'list')
      for (const [index, item] of located.items.entries()) look(item, [...path, index]);
    else if (located !== undefined && typeof located.value === 'number' && changes(located.text, located.value)) {
      report(path, {
        severity: 'warning',
        code: 'inexact-number',
        message: `YAML takes the value of \`${path.slice(1).join('.')}\` for a number, and Ansible gets it spelt in another way`,
        hint: 'put quotes around it if text is meant',
      });
    }
  };
  look(find(merged, ['options', 'vars']), ['options', 'vars']);
}

function changes(text: string, value: number): boolean {
  return (
    /^[-+]?[0-9]+(?:\.[0-9]+)?$/.test(text) && !/^[-+]?0[0-7]+$/.test(text) && text.replace('+', '') !== String(value)
  );
}
