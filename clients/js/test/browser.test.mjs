// The client in headless Chromium, against the real hubd, called directly and
// through the server of the page.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import { Page, servePages, withoutChromium } from './chromium.mjs';
import { Hubd, until, withoutHubd } from './hubd.mjs';
import { withoutPackages } from './packages.mjs';
import { program } from './readme.mjs';
import { mint, TOKEN_SETTINGS } from './tokens.mjs';

const skip = withoutHubd || withoutChromium || withoutPackages;
const NAMES = ['direct', 'relative'];
const PAGE = await readFile(
  new URL('pages/two_clients.html', import.meta.url));
const TOKEN_PAGE = await readFile(
  new URL('pages/token_client.html', import.meta.url));

async function openPage(t, hubd, options = {}) {
  const origin = await servePages(t, hubd, { '/page.html': PAGE });
  const query = new URLSearchParams({
    hub: hubd.url, options: JSON.stringify(options),
  });
  return Page.open(t, `${origin}/page.html?${query}`);
}

const clientsOf = (page) => page.evaluate(`Object.fromEntries(
  Object.entries(globalThis.clients ?? {}).map(([name, client]) =>
    [name, { ...client, hub: null, state: client.hub.state }]))`);

// Waits until both are in a state.
const untilBoth = (page, state) => until(async () => {
  const clients = await clientsOf(page);
  return NAMES.every((name) => clients[name]?.state === state) && clients;
}, `both are ${state}`, 40000);

async function bothHear(page, hubd, payload) {
  await hubd.waitForConnections(2);
  for (const name of NAMES)
    assert.equal(await hubd.send(name, { type: 'note', payload }), 1);
  await until(async () => {
    const clients = await clientsOf(page);
    return NAMES.every((name) => clients[name].payloads.includes(payload));
  }, `both hear ${payload}`);
}

const said = ({ states }) => states.map(({ state }) => state);

test('messages come through a restart, when hubd said', { skip }, async (t) => {
  const hubd = await Hubd.start(t);
  const page = await openPage(t, hubd, { stableMs: 0 });
  await untilBoth(page, 'open');
  await bothHear(page, hubd, 'before');
  await hubd.drain();
  await untilBoth(page, 'waiting');
  await hubd.start();
  const clients = await untilBoth(page, 'open');
  await bothHear(page, hubd, 'after');

  for (const name of NAMES) {
    const { states, calls } = clients[name];
    // A hubd that is slow to start is tried more than once.
    assert.deepEqual(said(clients[name]).slice(0, 4),
      ['connecting', 'open', 'waiting', 'connecting']);
    assert.deepEqual(said(clients[name]).slice(-2), ['connecting', 'open']);
    const { code, hinted, delayMs, reason } = states[2];
    assert.deepEqual([code, hinted, reason],
      [1001, true, `shutting down; retry-after-ms=${delayMs}`]);
    const awayMs = calls[1].madeMs - calls[0].closedMs;
    assert.ok(awayMs >= delayMs, `away for ${awayMs} ms, told ${delayMs}`);
  }
  const { direct, relative } = await clientsOf(page);
  assert.deepEqual([direct.payloads, relative.payloads],
    [['before', 'after'], ['before', 'after']]);
  await page.evaluate('clients.direct.hub.stop(); clients.relative.hub.stop()');
  await hubd.waitForConnections(0);
});

test('messages come after a crash, by trying again', { skip }, async (t) => {
  const hubd = await Hubd.start(t);
  const page = await openPage(t, hubd, { baseDelayMs: 100, maxDelayMs: 300 });
  await untilBoth(page, 'open');
  await hubd.kill();
  await until(async () => {
    const clients = await clientsOf(page);
    return NAMES.every((name) => clients[name].states.length >= 6);
  }, 'some tries');
  await hubd.start();
  const clients = await untilBoth(page, 'open');
  await bothHear(page, hubd, 'after');

  for (const name of NAMES) {
    const states = said(clients[name]);
    assert.deepEqual(states.slice(0, 4),
      ['connecting', 'open', 'waiting', 'connecting']);
    assert.deepEqual(states.slice(-3), ['waiting', 'connecting', 'open']);
    for (const { state, code, hinted } of clients[name].states) {
      if (state === 'waiting')
        assert.deepEqual([code, hinted], [1006, false]);
    }
  }
});

test('the network comes back: a try is made at once', { skip }, async (t) => {
  const hubd = await Hubd.start(t);
  const page = await openPage(t, hubd,
    { baseDelayMs: 10 ** 9, maxDelayMs: 10 ** 9 });
  const setOffline = (offline) => page.command(
    'Network.emulateNetworkConditions',
    { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await untilBoth(page, 'open');
  await page.evaluate('Math.random = () => 0.5; 0');
  await page.command('Network.enable');
  await setOffline(true);
  await until(() => page.evaluate('!navigator.onLine'), 'it is offline');
  await hubd.kill();
  const waiting = await untilBoth(page, 'waiting');
  for (const name of NAMES)
    assert.equal(waiting[name].states[2].delayMs, 5 * 10 ** 8);
  await hubd.start();
  await setOffline(false);
  await untilBoth(page, 'open');
  await bothHear(page, hubd, 'after');
});

// Tokens. ---------------------------------------------------------------------

// A page that gets each of its tokens from newToken().
async function openTokenPage(t, newToken, options = {}) {
  const hubd = await Hubd.start(t, TOKEN_SETTINGS);
  const origin = await servePages(t, hubd,
    { '/page.html': TOKEN_PAGE, '/token': newToken });
  const query = new URLSearchParams({
    hub: hubd.url, options: JSON.stringify(options),
  });
  const page = await Page.open(t, `${origin}/page.html?${query}`);
  const client = () => page.evaluate('globalThis.client ?? null');
  return {
    hubd,
    client,
    reaches: (state) => until(async () => {
      const found = await client();
      return found?.states.some((entry) => entry.state === state) && found;
    }, `it is ${state}`),
  };
}

test('a page with a good token is in', { skip }, async (t) => {
  const { hubd, client, reaches } = await openTokenPage(t, () => mint('ada'));
  const { states, sockets } = await reaches('open');
  assert.deepEqual(said({ states }), ['connecting', 'open']);
  assert.equal(states[1].hello.userId, 'ada');
  assert.deepEqual(sockets, [{ protocol: 'hub.v1' }]);
  assert.equal(await hubd.send('ada', { type: 'note', payload: 1 }), 1);
  await until(async () => (await client()).payloads.length === 1, 'a note');
});

test('a page is told why it is not in, and never 1006', { skip }, async (t) => {
  const tokens = [mint('ada', -60), mint('ada').slice(0, -2), mint('ada')];
  const { reaches } = await openTokenPage(t, () => tokens.shift());
  const { states, sockets } = await reaches('open');
  assert.deepEqual(sockets, [
    { protocol: 'hub.v1', code: 3000, reason: 'token expired' },
    { protocol: 'hub.v1', code: 3000, reason: 'unauthorized' },
    { protocol: 'hub.v1' },
  ]);
  assert.deepEqual(said({ states }), ['connecting', 'waiting', 'connecting',
    'waiting', 'connecting', 'open']);
});

test('a page that may not be who it says is told 3003', { skip }, async (t) => {
  const { reaches } = await openTokenPage(t, () => mint('eve'),
    { userId: 'ada' });
  const { states, sockets } = await reaches('closed');
  assert.deepEqual(sockets,
    [{ protocol: 'hub.v1', code: 3003, reason: 'forbidden' }]);
  assert.equal(states.at(-1).code, 3003);
});

test('a page keeps its connection by another token', { skip }, async (t) => {
  let count = 0;
  const { hubd, client, reaches } = await openTokenPage(t, () => {
    count++;
    return mint('ada', 3);
  });
  await reaches('open');
  const began = performance.now();
  await until(() => count >= 3 && performance.now() - began > 6000,
    'two lifetimes');
  assert.equal(await hubd.send('ada', { type: 'note', payload: 1 }), 1);
  await until(async () => (await client()).payloads.length === 1, 'a note');
  const { sockets, reports } = await client();
  assert.deepEqual(sockets, [{ protocol: 'hub.v1' }]);
  assert.deepEqual(reports, []);
});

// The README. -----------------------------------------------------------------

test("the README's page shows what it gets", { skip }, async (t) => {
  const hubd = await Hubd.start(t);
  const code = program('html', '<script type="module">');
  assert.equal(code.split('ws://127.0.0.1:8081/ws').length, 2);
  const origin = await servePages(t, hubd,
    { '/notes.html': code.replace('ws://127.0.0.1:8081/ws', hubd.url) });
  const page = await Page.open(t, `${origin}/notes.html`);
  const textOf = (selector) => page.evaluate(
    `document.querySelector('${selector}')?.textContent`);
  await until(async () => (await textOf('#state')) === 'open', 'it is open');
  await hubd.send('ada', { type: 'note', payload: '<b>tea</b>' });
  await hubd.send('ada', { type: 'note', payload: 'cake' });
  await until(async () => (await textOf('#notes')) === '<b>tea</b>cake',
    'two notes');
  await hubd.drain();
  await until(async () => (await textOf('#state')) === 'waiting', 'the close');
});
