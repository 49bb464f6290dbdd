/**
 * What a layer reads from the machine, by name. Names are paths relative to the root (`playbooks/roles/x/tasks/main.yml`) or, for
 * what lies outside the tree, symbolic (`ansible.cfg:/etc/ansible/ansible.cfg`). Never an absolute path of one checkout.
 */
export interface LayerInputs {
  /** name → digest of type, mode and content (`sha256:…`); for a folder of `copyfiles` one entry a file. */
  readonly files: Readonly<Record<string, string>>;
  /** Warnings found on the way (a tracked file that is more private on disk, an unreadable file). */
  readonly warnings: readonly string[];
}
