import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Daemon, freePorts, startDaemon, untilAnswers } from './daemon.ts';

export interface S3Service {
  /** Plain HTTP on loopback, path-style. */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly processes: readonly number[];
  end(): Promise<void>;
}

const run = promisify(execFile);
const KEYS = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' };
/** S3; the monitor's two; the OSD takes some of the rest. */
const PORTS = 40;

/**
 * Ceph's gateway from Debian's packages (radosgw, ceph-mon, ceph-osd), a whole cluster of one node below `folder`: one monitor, one
 * OSD on a sparse file, pools of size 1, no manager. Takes about 20 s.
 */
export async function startS3(folder: string): Promise<S3Service> {
  const port = await freePorts(PORTS);
  for (const name of ['run', 'log', 'mon', 'osd', 'rgw'])
    await mkdir(path.join(folder, name), { mode: 0o700, recursive: true });
  const conf = path.join(folder, 'ceph.conf');
  const fsid = randomUUID();
  const monitor = `[v2:127.0.0.1:${port + 1},v1:127.0.0.1:${port + 2}]`;
  await writeFile(conf, configuration(folder, fsid, monitor, port));
  const call = (file: string, ...args: string[]) =>
    run(file, args, { timeout: 60_000, env: { ...process.env, CEPH_CONF: conf, CEPH_ARGS: '' } });
  const daemons: Daemon[] = [];
  const log = path.join(folder, 'log', 'out');
  const start = (...argv: string[]) => daemons.push(startDaemon([...argv, '-c', conf, '-f'], log));
  const end = async () => {
    for (const daemon of daemons.toReversed()) await daemon.end();
  };
  try {
    await makeKeys(call, path.join(folder, 'keyring'));
    const [keyring, map] = [path.join(folder, 'keyring'), path.join(folder, 'monmap')];
    await call('monmaptool', '--create', '--clobber', '--addv', 'a', monitor, '--fsid', fsid, map);
    await call('ceph-mon', '-i', 'a', '-c', conf, '--mkfs', '--monmap', map, '--keyring', keyring);
    start('ceph-mon', '-i', 'a');
    // The monitor ignores the boot of an OSD with another uuid than it was told.
    const uuid = randomUUID();
    await call('ceph', '-c', conf, '--connect-timeout', '30', 'osd', 'new', uuid, '0');
    await call('ceph-osd', '-i', '0', '-c', conf, '--mkfs', '--osd-uuid', uuid);
    start('ceph-osd', '-i', '0');
    await untilUp(call, conf);
    const user = ['user', 'create', '--uid=test', '--display-name=test'];
    const keys = [`--access-key=${KEYS.accessKeyId}`, `--secret-key=${KEYS.secretAccessKey}`];
    await call('radosgw-admin', '-c', conf, '-n', 'client.rgw.a', ...user, ...keys);
    start('radosgw', '-n', 'client.rgw.a');
    const endpoint = `http://127.0.0.1:${port}`;
    await untilAnswers(endpoint, log, daemons, 60);
    return { endpoint, ...KEYS, processes: daemons.map(({ pid }) => pid), end };
  } catch (error) {
    await end();
    throw error;
  }
}

type Call = (file: string, ...args: string[]) => Promise<{ stdout: string }>;

async function makeKeys(call: Call, keyring: string): Promise<void> {
  const caps = (...words: string[]) => words.flatMap((word) => ['--cap', ...word.split(' = ')]);
  const all = caps('mon = allow *', 'osd = allow *');
  await call('ceph-authtool', '-C', keyring, '-n', 'mon.', '--gen-key', ...caps('mon = allow *'));
  await call('ceph-authtool', keyring, '-n', 'client.admin', '--gen-key', ...all);
  await call('ceph-authtool', keyring, '-n', 'osd.0', '--gen-key', ...caps('mon = allow profile osd', 'osd = allow *'));
  await call('ceph-authtool', keyring, '-n', 'client.rgw.a', '--gen-key', ...caps('mon = allow rw', 'osd = allow rwx'));
}

async function untilUp(call: Call, conf: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { stdout } = await call('ceph', '-c', conf, '--connect-timeout', '10', 'osd', 'stat');
    if (stdout.includes('1 up')) return;
    await sleep(200);
  }
  throw new Error('the OSD does not come up');
}

function configuration(folder: string, fsid: string, monitor: string, port: number): string {
  return `[global]
fsid = ${fsid}
mon_host = ${monitor}
keyring = ${folder}/keyring
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
ms_bind_port_min = ${port + 3}
ms_bind_port_max = ${port + PORTS - 1}
run_dir = ${folder}/run
admin_socket = ${folder}/run/$name.asok
pid_file = ${folder}/run/$name.pid
crash_dir = ${folder}/log
log_file = ${folder}/log/$name.log
log_to_stderr = false
mon_cluster_log_file = ${folder}/log/cluster.log
mon_allow_pool_size_one = true
mon_data_avail_warn = 2
mon_data_avail_crit = 1
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
paxos_propose_interval = 0.05
[mon.a]
mon_data = ${folder}/mon
[osd.0]
osd_data = ${folder}/osd
osd_objectstore = bluestore
bluestore_block_path =
bluestore_block_create = true
bluestore_block_size = 21474836480
osd_memory_target = 939524096
bluestore_cache_autotune = false
bluestore_cache_size = 134217728
osd_scrub_begin_hour = 0
[client.rgw.a]
rgw_frontends = beast endpoint=127.0.0.1:${port}
rgw_data = ${folder}/rgw
rgw_thread_pool_size = 32
rgw_gc_obj_min_wait = 60
rgw_gc_processor_period = 60
`;
}
