import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * How names of folders in the image's /tmp begin where modules are put while they run; removed after the build. One a user, as Ansible
 * makes them for whoever is first.
 */
export const REMOTE_TEMPORARY = '.ansible-layers-';

/**
 * Writes an inventory folder in which the layer's name is a host, whatever the container is called, and a member of the
 * layer's groups. Given last, it adds to the user's inventories, whose variables for that name and those groups hold.
 */
export async function writeInventory(
  folder: string,
  {
    name,
    groups,
    container,
    connection: kind,
  }: {
    readonly name: string;
    readonly groups: readonly string[];
    readonly container: string;
    /** Ansible's name of the plugin that reaches the container. */
    readonly connection: string;
  },
): Promise<void> {
  const connection = {
    ansible_host: container,
    ansible_connection: kind,
    // The same user as become's default: then become does nothing, and needs no sudo inside.
    ansible_user: 'root',
    ansible_remote_tmp: `/tmp/${REMOTE_TEMPORARY}{{ ansible_user }}`,
  };
  const members = { hosts: { [name]: {} } };
  const inventory = {
    all: {
      hosts: { [name]: connection },
      // The weakest place for a variable: the user's group_vars win. Pipelining halves the calls into the container.
      vars: { ansible_python_interpreter: 'auto_silent', ansible_pipelining: true },
      children: Object.fromEntries(groups.map((group) => [group, members])),
    },
  };
  await mkdir(path.join(folder, 'host_vars'), { recursive: true });
  await writeFile(path.join(folder, 'hosts.json'), JSON.stringify(inventory));
  // A real machine's address in the user's host_vars must not win over the container.
  if (!name.includes('/')) await writeFile(path.join(folder, 'host_vars', `${name}.json`), JSON.stringify(connection));
}
