// packages.mjs - packages that the tests need and that may be missing: then
// those tests are skipped, or fail if HUB_E2E_REQUIRE says that nothing may be
// skipped; and the package itself, as users get it.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const HERE = fileURLToPath(new URL('..', import.meta.url));

// False, or why a test is left out.
export function missing(what, path) {
  if (existsSync(path)) return false;
  if (process.env.HUB_E2E_REQUIRE) throw new Error(`${what} is not there`);
  return `${what} is not there`;
}

export const withoutPackages = missing('node_modules (npm ci)',
  fileURLToPath(new URL('../node_modules/ws', import.meta.url)));

export const { WebSocket } = withoutPackages ? {} : await import('ws');

const npm = (cwd, ...command) => promisify(execFile)('npm', command, { cwd });

// A directory of somebody else's, with the packed package installed.
export async function installed(t) {
  const directory = await mkdtemp(join(tmpdir(), 'hub-client-user-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const { stdout } = await npm(HERE,
    'pack', '--json', `--pack-destination=${directory}`);
  const [pack] = JSON.parse(stdout);
  await writeFile(join(directory, 'package.json'), '{"type": "module"}');
  await npm(directory, 'install', '--offline', '--no-audit', '--no-fund',
    `./${pack.filename}`);
  return { directory, pack };
}
