// The client in Node, against the real hubd: through restarts and crashes, and
// when hubd does not answer.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import test from 'node:test';
import { promisify } from 'node:util';

import { HubClient } from '../hub-client.js';
import { Hubd, pause, until, withoutHubd } from './hubd.mjs';
import { WebSocket, withoutPackages } from './packages.mjs';
import { mint, TOKEN_SETTINGS } from './tokens.mjs';

const skip = withoutHubd || withoutPackages;

// A client with a record of what it went through, and when its sockets were
// made and closed.
function join(t, hubd, options = {}) {
  const calls = [];
  class Timed extends WebSocket {
    constructor(...values) {
      super(...values);
      const call = { madeMs: performance.now() };
      calls.push(call);
      this.on('close', () => {
        call.closedMs = performance.now();
      });
    }
  }
  const hub = new HubClient(hubd.url,
    { userId: 'ada', WebSocket: Timed, ...options });
  const states = [];
  const payloads = [];

  hub.onState((state, detail) => states.push({ state, ...detail }));
  hub.on('note', (payload) => payloads.push(payload));
  t.after(() => hub.stop());
  hub.start();
  return {
    hub,
    calls,
    states,
    payloads,
    said: () => states.map(({ state }) => state),
    find: (state) => states.find((entry) => entry.state === state),
    hears: async (payload) => {
      await hubd.send('ada', { type: 'note', payload });
      await until(() => payloads.includes(payload), `the note ${payload}`);
    },
  };
}

test('messages come through a restart, when hubd said', { skip }, async (t) => {
  const hubd = await Hubd.start(t);
  const client = join(t, hubd, { sessionId: 'tab-1', stableMs: 0 });
  await client.hub.opened();
  await hubd.waitForConnections(1);
  await client.hears('before');

  await hubd.drain();
  await until(() => client.find('waiting'), 'the close');
  const told = client.find('waiting');
  const hintMs = Number(/retry-after-ms=(\d+)$/.exec(told.reason)[1]);
  assert.deepEqual([told.code, told.hinted, told.delayMs],
    [1001, true, hintMs]);
  await hubd.start();
  await client.hub.opened();
  await client.hears('after');

  // A hubd that is slow to start is tried more than once.
  assert.deepEqual(client.said().slice(0, 4),
    ['connecting', 'open', 'waiting', 'connecting']);
  assert.deepEqual(client.said().slice(-2), ['connecting', 'open']);
  const awayMs = client.calls[1].madeMs - client.calls[0].closedMs;
  assert.ok(awayMs >= hintMs, `away for ${awayMs} ms, told ${hintMs}`);
  assert.deepEqual(client.payloads, ['before', 'after']);
  client.hub.stop();
  assert.equal(client.said().at(-1), 'closed');
  await hubd.waitForConnections(0);
});

test('messages come after a crash, by trying again', { skip }, async (t) => {
  const hubd = await Hubd.start(t);
  const client = join(t, hubd, { baseDelayMs: 40, maxDelayMs: 200 });
  await client.hub.opened();
  await client.hears('before');
  await hubd.kill();
  await until(() => client.states.length >= 6, 'some tries');
  await hubd.start();
  await client.hub.opened();
  await client.hears('after');

  const said = client.said();
  assert.deepEqual(said.slice(0, 4),
    ['connecting', 'open', 'waiting', 'connecting']);
  assert.deepEqual(said.slice(-3), ['waiting', 'connecting', 'open']);
  for (const { state, code, hinted, error } of client.states.slice(3)) {
    if (state !== 'waiting') continue;
    assert.deepEqual([code, hinted], [1006, false]);
    assert.match(error.message, /ECONNREFUSED/);
  }
  assert.deepEqual(client.payloads, ['before', 'after']);
});

test('a hundred come back at the times they were told', { skip }, async (t) => {
  const hubd = await Hubd.start(t);
  const clients = Array.from({ length: 100 }, () =>
    join(t, hubd, { stableMs: 0 }));
  await Promise.all(clients.map(({ hub }) => hub.opened()));
  await hubd.waitForConnections(100);
  await hubd.drain();
  await hubd.start();
  await Promise.all(clients.map(({ hub }) => hub.opened()));
  await hubd.waitForConnections(100);
  assert.equal(await hubd.send('ada', { type: 'note', payload: 1 }), 100);
  await until(() => clients.every(({ payloads }) => payloads.length === 1),
    'a note for each');

  const delays = new Set();
  for (const { calls, states } of clients) {
    const { hinted, delayMs } = states[2];
    const awayMs = calls[1].madeMs - calls[0].closedMs;
    assert.equal(hinted, true);
    assert.ok(awayMs >= delayMs, `away for ${awayMs} ms, told ${delayMs}`);
    delays.add(delayMs);
  }
  assert.ok(delays.size > 50, `only ${delays.size} different times`);
});

test('a refusal is tried again, ever more rarely', { skip }, async (t) => {
  const hubd = await Hubd.start(t, { HUB_MAX_CONNECTIONS_PER_USER: '1' });
  const first = join(t, hubd);
  await first.hub.opened();
  await hubd.waitForConnections(1);
  const second = join(t, hubd, { baseDelayMs: 10, maxDelayMs: 50 });
  await until(() => second.states.length >= 8, 'four tries');
  assert.match(second.find('waiting').error.message, /429/);
  assert.deepEqual(
    second.states.slice(0, 8).map(({ attempt }) => attempt),
    [1, 1, 2, 2, 3, 3, 4, 4]);
  first.hub.stop();
  await second.hub.opened();
});

test('a hubd that says nothing is given up', { skip }, async (t) => {
  const hubd = await Hubd.start(t, { HUB_PING_INTERVAL: '200ms' });
  const client = join(t, hubd, {
    idleTimeoutMs: 2000, connectTimeoutMs: 1000, baseDelayMs: 100,
  });
  await client.hub.opened();
  await pause(2500);
  assert.equal(client.hub.state, 'open'); // by pings alone

  hubd.freeze();
  await until(() => client.states.length >= 5, 'a try that gets no answer');
  hubd.thaw();
  assert.match(client.states[2].error.message, /nothing received for 2000 ms/);
  assert.equal(client.states[3].state, 'connecting');
  assert.match(client.states[4].error.message, /no answer within 1000 ms/);
  await client.hub.opened();
  await client.hears('after');
});

test('what JavaScript cannot hold is in the text', { skip }, async (t) => {
  const hubd = await Hubd.start(t);
  const client = join(t, hubd);
  const texts = [];
  client.hub.on('big', (payload, message, text) => texts.push(text));
  await client.hub.opened();
  await hubd.waitForConnections(1);
  const text = '{"type":"big","payload":12345678901234567890 ,' +
    '"timestamp":"2024-01-02"}';
  assert.equal(await hubd.broadcast(text), 1);
  await until(() => texts.length > 0, 'the message');
  assert.deepEqual(texts, [text]);
});

// Tokens and tickets. ---------------------------------------------------------

test('a token is replaced for three lifetimes', { skip }, async (t) => {
  const hubd = await Hubd.start(t, TOKEN_SETTINGS);
  const tokens = [];
  const client = join(t, hubd, {
    userId: null,
    token: async () => {
      tokens.push(mint('ada', 3));
      return tokens.at(-1);
    },
  });
  await client.hub.opened();
  const { hello } = client.hub;
  assert.equal(hello.userId, 'ada');
  assert.match(hello.connectionId, /^[0-9a-f]{32}$/);
  assert.ok(hello.expiresInMs > 2000 && hello.expiresInMs <= 4000);
  const began = performance.now();
  await until(() => tokens.length >= 4, 'three others');
  await until(() => performance.now() - began > 9000, 'three lifetimes');
  await client.hears('still there');
  assert.deepEqual(client.said(), ['connecting', 'open']);
  assert.deepEqual(client.hub.hello, hello);
  client.hub.stop();
  await hubd.drain();
  for (const token of tokens)
    assert.ok(!hubd.log.includes(token.split('.')[2]));
});

test('an expired token is told so, and the next one is in', { skip },
  async (t) => {
    const hubd = await Hubd.start(t, TOKEN_SETTINGS);
    const tokens = [mint('ada', -60), mint('ada').slice(0, -2), mint('ada')];
    const client = join(t, hubd,
      { userId: null, token: () => tokens.shift(), baseDelayMs: 10 });
    await client.hub.opened();
    assert.deepEqual(client.said(), ['connecting', 'waiting', 'connecting',
      'waiting', 'connecting', 'open']);
    assert.deepEqual([1, 3].map((i) => [client.states[i].code,
      client.states[i].reason]),
    [[3000, 'token expired'], [3000, 'unauthorized']]);
    await client.hears('in');
  });

test('a fixed token lets in until it expires', { skip }, async (t) => {
  const hubd = await Hubd.start(t, TOKEN_SETTINGS);
  const client = join(t, hubd, { token: mint('ada', 1), sessionId: null });
  await client.hub.opened();
  await until(() => client.find('closed'), 'the end');
  const { code, reason } = client.find('closed');
  assert.deepEqual([code, reason], [3000, 'token expired']);
  assert.deepEqual(client.said(), ['connecting', 'open', 'closed']);
});

test('nobody can be somebody else', { skip }, async (t) => {
  const hubd = await Hubd.start(t, TOKEN_SETTINGS);
  const other = join(t, hubd, { userId: 'ada', token: () => mint('eve') });
  await assert.rejects(other.hub.opened(),
    { name: 'HubClosedError', code: 3003, reason: 'forbidden' });

  const users = ['ada', 'eve'];
  const changed = join(t, hubd,
    { userId: null, token: () => mint(users.shift(), 3) });
  await changed.hub.opened();
  await until(() => changed.find('closed'), 'the end');
  assert.equal(changed.find('closed').code, 3003);
});

test('a ticket is had for each connection', { skip }, async (t) => {
  const hubd = await Hubd.start(t, TOKEN_SETTINGS);
  let issued = 0;
  const client = join(t, hubd, {
    userId: null,
    baseDelayMs: 10,
    ticket: () => {
      issued++;
      return hubd.issueTicket({ userId: 'ada', connectionTtlMs: 1000 });
    },
  });
  await until(() => issued === 2, 'the end of the first');
  await client.hub.opened();
  assert.deepEqual(client.said().slice(0, 3),
    ['connecting', 'open', 'waiting']);
  assert.equal(client.find('waiting').code, 3000);
});

test('hub.v1 without a token: the hub is asked whether it is there', { skip },
  async (t) => {
    const hubd = await Hubd.start(t);
    const client = join(t, hubd,
      { controls: true, idleTimeoutMs: 600, baseDelayMs: 10 });
    await client.hub.opened();
    assert.equal(client.hub.hello.userId, 'ada');
    await pause(2000);
    assert.deepEqual(client.said(), ['connecting', 'open']);
    hubd.freeze();
    await until(() => client.find('waiting'), 'it is given up');
    hubd.thaw();
    await client.hub.opened();
    await client.hears('again');
  });

test('a hub that is full says when to come back', { skip }, async (t) => {
  const hubd = await Hubd.start(t, { HUB_MAX_CONNECTIONS: '1' });
  const first = join(t, hubd);
  await first.hub.opened();
  await hubd.waitForConnections(1);
  const second = join(t, hubd, { controls: true });
  await until(() => second.find('waiting'), 'it is told');
  const { code, hinted, delayMs } = second.find('waiting');
  assert.deepEqual([code, hinted, delayMs], [1013, true, 10000]);
});

// Ids. ------------------------------------------------------------------------

// Its status for a handshake with these bytes of a userId.
async function statusFor(hubd, encoded) {
  const socket = connect(hubd.port, '127.0.0.1');

  socket.end(
    `GET /ws?userId=${encoded} HTTP/1.1\r\nHost: hub\r\n` +
    'Connection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  let head = '';
  for await (const data of socket) {
    head += data.toString('latin1');
    if (head.includes('\r\n')) break;
  }
  return Number(head.split(' ')[1]);
}

test('the client takes the ids that hubd takes', { skip }, async (t) => {
  const hubd = await Hubd.start(t);
  const codes = [0, 1, 9, 10, 13, 31, 32, 37, 38, 43, 61, 126, 127, 128, 133,
    159, 160, 173, 0x2028, 0xfeff, 0xffff, 0x1f600, 0x10ffff];
  const ids = [
    '', ...codes.map((code) => `a${String.fromCodePoint(code)}`),
    'a'.repeat(256), 'a'.repeat(257), '\u00e9'.repeat(128),
    '\u00e9'.repeat(128) + 'a', '\u{1f600}'.repeat(64),
    '\u{1f600}'.repeat(65),
  ];
  let taken = 0;
  for (const userId of ids) {
    const status = await statusFor(hubd, encodeURIComponent(userId));
    const construct = () => new HubClient(hubd.url, { userId });
    if (status === 101) assert.doesNotThrow(construct, userId);
    else assert.throws(construct, RangeError, `${status}: ${userId}`);
    taken += status === 101;
  }
  assert.equal(taken, 16);
});

const flag = '--experimental-websocket';
const hasGlobal = typeof globalThis.WebSocket === 'function';
const canHave = hasGlobal || process.allowedNodeEnvironmentFlags.has(flag);

test("Node's own WebSocket will do",
  { skip: skip || (!canHave && 'this Node has none') },
  async (t) => {
    const hubd = await Hubd.start(t, TOKEN_SETTINGS);
    const program = `
      import { HubClient } from ${JSON.stringify(
        new URL('../hub-client.js', import.meta.url))};
      const hub = new HubClient('${hubd.url}', { token: '${mint('ada')}' });
      hub.on('note', (payload) => {
        console.log(payload);
        hub.stop();
      });
      hub.start();
      await hub.opened();
    `;
    const done = promisify(execFile)(process.execPath,
      [...(hasGlobal ? [] : [flag]), '--input-type=module', '-e', program],
      { timeout: 20000 });
    await hubd.waitForConnections(1);
    await hubd.send('ada', { type: 'note', payload: 'hello' });
    assert.equal((await done).stdout, 'hello\n');
    await hubd.waitForConnections(0);
  });
