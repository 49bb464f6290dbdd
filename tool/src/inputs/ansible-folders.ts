/** Folders beside a playbook that Ansible reads by themselves: variables, what is copied, and code. */
export const FOLDERS_BESIDE_PLAYBOOK: readonly string[] =
  'group_vars host_vars files templates collections library module_utils action_plugins become_plugins cache_plugins callback_plugins cliconf_plugins connection_plugins doc_fragments filter_plugins httpapi_plugins inventory_plugins lookup_plugins netconf_plugins shell_plugins strategy_plugins terminal_plugins test_plugins vars_plugins'.split(
    ' ',
  );

/** Where a relative path in a task is looked for, below the role and below the playbook's folder. */
export const SEARCHED_FOLDERS: readonly string[] = ['', 'files', 'templates', 'tasks', 'vars', 'handlers', 'defaults'];

/** What no run of Ansible reads: version control, caches, what editors leave. */
export function isLeftOut(name: string): boolean {
  return /^\.git$|^__pycache__$|~$|\.py[co]$|\.retry$|^\.#|^#.*#$|^\..*\.sw[a-p]$/.test(name);
}

/** Texts and tests of a role; a README further down may be a file that is copied. */
export function isLeftOutOfRole(name: string, below: string): boolean {
  return (
    isLeftOut(name) ||
    /^(readme|changelog|license|contributing)[^/]*$|^(molecule|tests|docs|\.github|\.travis\.yml)$/i.test(below)
  );
}

/** Names that Ansible itself passes over in a folder of inventories. */
export function isLeftOutOfInventory(name: string): boolean {
  return isLeftOut(name) || /\.(swp|bak|rpm|md|txt|rst|orig|retry)$/i.test(name);
}

/** What a copied folder is copied without: version control, and what editors leave. */
export function isLeftOutOfCopies(name: string): boolean {
  return /^\.git$|~$|^\.#|^#.*#$|^\..*\.sw[a-p]$/.test(name);
}
