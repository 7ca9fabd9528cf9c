// packages.mjs - what the tests stand on and may be missing: then those that
// need it are left out, or fail where HUB_E2E_REQUIRE says that nothing may be.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// False, or why a test is left out.
export function missing(what, path) {
  if (existsSync(path)) return false;
  if (process.env.HUB_E2E_REQUIRE) throw new Error(`${what} is not there`);
  return `${what} is not there`;
}

export const withoutPackages = missing('node_modules (npm ci)',
  fileURLToPath(new URL('../node_modules/ws', import.meta.url)));

export const { WebSocket } = withoutPackages ? {} : await import('ws');
