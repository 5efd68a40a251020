// A driver for WebGPU: the machine's own, else Mesa's software one (lavapipe), which is slow and computes right.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './results.mjs';

const manifests = '/usr/share/vulkan/icd.d';

/**
 * The environment in which WebGPU works, or why there is none. As root on a system with apt-get, Mesa's driver is
 * installed if it is missing.
 *
 * @returns {{ env: Record<string, string> } | { reason: string }}
 */
export function findVulkan() {
  for (const env of [{}, software()]) if (env !== null && works(env)) return { env };
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    return { reason: 'there is no working driver (Debian 12: mesa-vulkan-drivers of its backports)' };
  console.error('Installing a software driver for Vulkan (once; about ten seconds)…');
  const failed = install();
  const env = software();
  if (env !== null && works(env)) return { env };
  return { reason: failed ?? 'the driver that apt-get installed does not work' };
}

/** @param {Record<string, string>} env */
function works(env) {
  const probe = join(root, 'src', 'engine', 'webgpu-probe.ts');
  const { stdout } = spawnSync('node', [probe], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return stdout?.includes('"webgpu"') ?? false;
}

function software() {
  if (!existsSync(manifests)) return null;
  const manifest = readdirSync(manifests).find(name => name.startsWith('lvp_icd'));
  return manifest === undefined ? null : { VK_DRIVER_FILES: join(manifests, manifest) };
}

/** @returns {string | null} what failed */
function install() {
  const packages = ['libvulkan1', 'mesa-vulkan-drivers'];
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  // Debian 12's own Mesa (22.3) is too old for the runtime.
  const options = /^VERSION_CODENAME=bookworm$/m.test(release) ? withBackports('bookworm') : [];
  if (options === null) return 'apt has no source of Debian 12 to find its backports by';
  if (options.length > 0) packages[1] += '/bookworm-backports';
  for (const command of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', ...packages],
  ]) {
    const done = spawnSync('apt-get', [...options, ...command], {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      timeout: 300_000,
    });
    if (done.status !== 0) return `apt-get ${command[0]} failed`;
  }
  return null;
}

/**
 * Options of apt-get that add a release's backports, from where the release itself comes, and leave the system's own lists
 * as they are.
 *
 * @param {string} codename
 */
function withBackports(codename) {
  const { stdout } = spawnSync(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages'],
    { encoding: 'utf8' },
  );
  const address = stdout
    .split('\n')
    .map(line => line.split(' '))
    .find(([, release]) => release === codename)?.[0];
  if (address === undefined) return null;
  const folder = join(root, '.cache', 'apt');
  const list = join(folder, 'sources.list');
  const own = '/etc/apt/sources.list';
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true });
  writeFileSync(
    list,
    `${existsSync(own) ? readFileSync(own, 'utf8') : ''}\ndeb ${address} ${codename}-backports main\n`,
  );
  return ['-o', `Dir::Etc::sourcelist=${list}`, '-o', `Dir::State::lists=${join(folder, 'lists')}`];
}
