// The client in other runtimes: with the WebSocket of each Node version, and in
// Jest with jsdom, from the package as installed in another project. Each
// survives a hubd that is away for a while.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Hubd, until, withoutHubd } from './hubd.mjs';
import { installed } from './packages.mjs';

const RUNTIMES = fileURLToPath(
  new URL('runtimes/node_modules', import.meta.url));

// They are many and large: only HUB_E2E_REQUIRE=all has them all.
function lacks(path) {
  if (existsSync(join(RUNTIMES, path))) return false;
  if (process.env.HUB_E2E_REQUIRE === 'all')
    throw new Error(`${path} is not there (npm ci in test/runtimes)`);
  return `${path} is not there`;
}

// Writes each state and each note to a file, and ends with the note 'bye'. A try
// has all the time there is: one whose end nobody tells would be the last.
const FOLLOW = `
import { appendFileSync } from 'node:fs';
import { HubClient } from 'hub-client';

export function follow() {
  const tell = (what) => appendFileSync('told', JSON.stringify(what) + '\\n');
  const hub = new HubClient(process.env.HUB_URL, {
    userId: 'ada', connectTimeoutMs: 0, baseDelayMs: 20, maxDelayMs: 100,
  });

  hub.onState((state, { code }) => tell({ state, code }));
  return new Promise((resolve) => {
    hub.on('note', (payload) => {
      tell({ payload });
      if (payload !== 'bye') return;
      hub.stop();
      resolve();
    });
    hub.start();
  });
}
`;

// Runs a command in a project that has the package, and takes hubd away.
async function through(t, files, command) {
  const hubd = await Hubd.start(t);
  const { directory } = await installed(t);
  let failure = null;

  for (const [name, text] of Object.entries({ 'follow.js': FOLLOW, ...files }))
    await writeFile(join(directory, name), text);
  const done = promisify(execFile)(command[0], command.slice(1), {
    cwd: directory,
    env: { ...process.env, HUB_URL: hubd.url },
    timeout: 100000,
  }).catch((error) => {
    failure = new Error(`${error}\n${error.stdout}\n${error.stderr}`);
  });
  const told = async () => {
    if (failure) throw failure;
    const text = await readFile(join(directory, 'told'), 'utf8')
      .catch(() => '');
    return text.split('\n').slice(0, -1).map((line) => JSON.parse(line));
  };
  const reaches = (wanted, count) => until(
    async () => (await told()).filter(({ state }) => state === wanted)
      .length >= count,
    `${wanted}, ${count} times`, 60000);

  await reaches('open', 1);
  await hubd.kill();
  await reaches('waiting', 4);
  await hubd.start();
  await reaches('open', 2);
  await hubd.send('ada', { type: 'note', payload: 'hello' });
  await hubd.send('ada', { type: 'note', payload: 'bye' });
  await done;

  const list = await told();
  for (const { state, code } of list)
    if (state === 'waiting') assert.equal(code, 1006);
  assert.deepEqual(list.slice(-3).map(({ state, payload }) => state ?? payload),
    ['hello', 'bye', 'closed']);
}

// Node. -----------------------------------------------------------------------

const OWN = '--experimental-websocket';
const hasOwn = typeof globalThis.WebSocket === 'function';
const canHave = !hasOwn && process.allowedNodeEnvironmentFlags.has(OWN);

const nodes = [
  ['this Node', [process.execPath, ...(canHave ? [OWN] : [])],
    !hasOwn && !canHave && 'it has none'],
  ...['node-22', 'node-23', 'node-24'].map((name) =>
    [name, [join(RUNTIMES, name, 'bin/node')], lacks(name)]),
];

for (const [name, command, lacking] of nodes)
  test(`the WebSocket of ${name} sees hubd come back`,
    { skip: withoutHubd || lacking }, (t) =>
      through(t, {
        'main.js': "import { follow } from './follow.js'; await follow();",
      }, [...command, 'main.js']));

// Jest. -----------------------------------------------------------------------

test('in Jest with jsdom it sees hubd come back',
  { skip: withoutHubd || lacks('jest') }, (t) =>
    through(t, {
      'hub.test.js': `
        import { follow } from './follow.js';
        test('it follows', () => follow(), 90000);
        test('this is a page', () => {
          expect(document.body).toBeDefined();
          expect(WebSocket).toBe(window.WebSocket);
        });
      `,
    }, [process.execPath, '--experimental-vm-modules',
      join(RUNTIMES, 'jest/bin/jest.js'), '--rootDir', '.',
      '--env', join(RUNTIMES, 'jest-environment-jsdom')]));
