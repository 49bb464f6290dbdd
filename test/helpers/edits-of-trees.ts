import { expect } from 'vitest';
import { COPIED, type Edit, NOTHING, SITE } from './edits.ts';

/** Copied files, the tree around them, and the layer files. */
export const TREE_EDITS: Readonly<Record<string, Edit>> = {
  'a copied file': { edit: (at) => at.append('files/a.txt', 'more\n'), expected: COPIED },
  'a copied file further down': { edit: (at) => at.append('files/sub/b.txt', 'more\n'), expected: COPIED },
  'a new file in a copied folder': { edit: (at) => at.write('files/new.txt', 'new\n'), expected: COPIED },
  'a copied file goes away': { edit: (at) => at.remove('files/sub/b.txt'), expected: COPIED },
  'a copied file gets another name': { edit: (at) => at.move('files/a.txt', 'files/c.txt'), expected: COPIED },
  'an empty folder in a copied one': { edit: (at) => at.folder('files/empty'), expected: COPIED },
  'a copied link leads elsewhere': { edit: (at) => at.link('files/link', 'sub/b.txt'), expected: COPIED },
  'a copied file becomes a link to the same content': {
    edit(at) {
      at.write('same.txt', 'a\n');
      at.link('files/a.txt', '../same.txt');
    },
    expected: COPIED,
  },
  'a source becomes a link to the same content, and is followed': {
    edit(at) {
      at.move('motd', 'welcome.txt');
      at.chmod('welcome.txt', 0o644);
      at.link('motd', 'welcome.txt');
    },
    expected: NOTHING,
  },
  'a new match of a pattern': { edit: (at) => at.write('conf/two.conf', 'two\n'), expected: COPIED },
  'no match of a pattern': { edit: (at) => at.write('conf/two.txt', 'two\n'), expected: NOTHING },
  'a file beside the matches': { edit: (at) => at.append('conf/README', 'more\n'), expected: NOTHING },
  'a tracked file, private on disk': { edit: (at) => at.chmod('files/a.txt', 0o600), expected: NOTHING },
  'a tracked file, writable by all on disk': { edit: (at) => at.chmod('files/a.txt', 0o666), expected: NOTHING },
  'a tracked file that git has as a program now': {
    edit: (at) => at.git('update-index', '--chmod=+x', 'files/a.txt'),
    expected: COPIED,
  },
  'a file that git does not track, with another mode': {
    edit: (at) => at.chmod('files/untracked/c.txt', 0o600),
    expected: COPIED,
  },
  'a file that .layersignore names': { edit: (at) => at.write('files/drafts/x.txt', 'x\n'), expected: NOTHING },
  'a file that a pattern of .layersignore names': {
    edit: (at) => at.write('files/x.ignored', 'x\n'),
    expected: NOTHING,
  },
  '.layersignore names a copied file': { edit: (at) => at.append('.layersignore', 'files/a.txt\n'), expected: COPIED },
  'what a playbook reads and .layersignore names': {
    edit: (at) => at.append('playbooks/files/unseen.ignored', 'more\n'),
    expected: NOTHING,
  },
  'a line leaves .layersignore that named what a playbook reads': {
    edit: (at) => at.write('.layersignore', 'files/drafts/\n'),
    expected: SITE,
  },
  'a line leaves .layersignore that named what nobody copies or reads': {
    edit: (at) => at.write('.layersignore', '*.ignored\n'),
    expected: NOTHING,
  },
  '.layersignore names what a playbook reads': {
    edit: (at) => at.append('.layersignore', 'looked-up.txt\n'),
    expected: SITE,
  },
  '.layersignore names what is not there': {
    edit: (at) => at.append('.layersignore', '# more\n*.none\n'),
    expected: NOTHING,
  },
  'what editors leave in a copied folder': {
    edit(at) {
      for (const name of ['a.txt~', '.a.txt.swp', '.#a.txt', '#a.txt#']) {
        if (name === '.#a.txt') at.link(`files/${name}`, 'somebody@host.1');
        else at.write(`files/${name}`, 'a\n');
      }
    },
    expected: NOTHING,
  },
  'what git does': {
    edit(at) {
      at.write('unrelated.txt', 'x\n');
      at.git('add', 'unrelated.txt');
      at.git('commit', '-qm', 'more');
      at.git('gc', '-q');
    },
    expected: NOTHING,
  },
  'a README': { edit: (at) => at.append('README.md', 'more\n'), expected: NOTHING },
  'all of it touched': {
    edit: (at) => expect(at.touchAll()).toBeGreaterThan(80),
    expected: NOTHING,
  },

  'the lowest layer': {
    edit: (at) => at.replace('layers/base.yaml', 'echo base', 'echo other'),
    expected: { base: 'build', files: 'pending', leaf: 'pending', site: 'pending', app: 'pending' },
  },
  'a layer that others stand on by its id, renamed': {
    edit: (at) => at.replace('layers/base.yaml', 'name: base', 'name: ground'),
    expected: { base: 'publish' },
  },
  'an Ansible layer renamed': {
    edit: (at) => at.replace('layers/site.yaml', 'name: site', 'name: host'),
    expected: { site: 'build', app: 'pending' },
  },
  'the same parent, named by what it publishes': {
    edit: (at) => at.replace('layers/app.yaml', 'parent: site', "parent: 'oci:out/site:latest'"),
    // The label says what the file says.
    expected: { app: 'publish' },
  },
  'a layer file moves to another folder: the same image under another id': {
    edit: (at) => at.move('layers/leaf.yaml', 'layers/more/leaf.yaml'),
    expected: { 'more/leaf': 'reuse' },
    gone: ['leaf'],
  },
  'another file extension': { edit: (at) => at.move('layers/leaf.yaml', 'layers/leaf.yml'), expected: NOTHING },
  'a new child': {
    edit: (at) =>
      at.write(
        'layers/new.yaml',
        'options: {layer_type: base, name: new, pkg_manager: apt, parent: files}\ncmds: [date]\n',
      ),
    expected: { new: 'build' },
  },
  'a layer goes away': { edit: (at) => at.remove('layers/leaf.yaml'), expected: NOTHING, gone: ['leaf'] },
  'one more tag': {
    edit: (at) => at.replace('layers/files.yaml', 'name: files', "name: files, publish_tags: [latest, '2']"),
    expected: { files: 'publish' },
  },
  'the tag by which a child names its parent': {
    edit(at) {
      at.replace('layers/files.yaml', 'name: files', "name: files, publish_tags: [latest, '2']");
      at.replace('layers/leaf.yaml', 'files:latest', 'files:2');
    },
    expected: { files: 'publish', leaf: 'publish' },
  },
  'where all of it is published': {
    edit(at) {
      at.write('layers.yaml', "defaults: {publish_registry: 'oci:out2'}\n");
      at.replace('layers/leaf.yaml', 'oci:out/', 'oci:out2/');
    },
    expected: { base: 'publish', files: 'publish', leaf: 'publish', site: 'publish', app: 'publish' },
  },
  'two layers swap their parents': {
    edit(at) {
      at.replace('layers/app.yaml', 'parent: site', 'parent: files');
      at.replace('layers/leaf.yaml', 'oci:out/files:latest', 'site');
    },
    expected: { app: 'build', leaf: 'build' },
  },
  'two parents swap what they hold': {
    edit(at) {
      at.move('layers/app.yaml', 'layers/x');
      at.move('layers/leaf.yaml', 'layers/app.yaml');
      at.move('layers/x', 'layers/leaf.yaml');
    },
    // Each finds under its own key what the other built.
    expected: { app: 'reuse', leaf: 'reuse' },
  },
};
