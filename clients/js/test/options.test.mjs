// Options, URLs and ids; what cannot work is reported and not attempted.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import vm from 'node:vm';

import { HubClient } from '../hub-client.js';
import { fakeClient, fakeWebSocket } from './fakes.mjs';

test('a WebSocket that the page may not open ends it for good', async (t) => {
  const reports = [];
  const failure = new Error('insecure');
  class Forbidden {
    constructor() {
      throw failure;
    }
  }
  const client = fakeClient(t, {
    WebSocket: Forbidden,
    onError: (...values) => reports.push(values),
  });
  const opened = client.hub.opened();
  client.hub.start();
  await assert.rejects(opened, { code: 1006, cause: failure });
  assert.deepEqual(client.said, ['connecting', 'closed']);
  assert.deepEqual(reports, [[failure, { source: 'connect' }]]);
});

test('what an error event tells is passed on', (t) => {
  for (const event of [{ error: new Error('403') }, { message: '403' }]) {
    const client = fakeClient(t);
    client.hub.start();
    client.socket.onerror(event);
    client.socket.onclose({ code: 1006, reason: '' });
    assert.match(client.last.error.message, /^403$/);
  }
});

test('without a WebSocket, start says what to do', (t) => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
  delete globalThis.WebSocket;
  if (before)
    t.after(() => Object.defineProperty(globalThis, 'WebSocket', before));
  const hub = new HubClient('ws://hub.test/ws', { userId: 'ada' });
  assert.throws(() => hub.start(), /no WebSocket here.*package ws/);
  assert.equal(hub.state, 'idle');

  globalThis.WebSocket = fakeWebSocket();
  t.after(() => delete globalThis.WebSocket);
  hub.start();
  assert.equal(hub.state, 'connecting');
  hub.stop();
});

test('a relative URL outside of a page is an error of start', () => {
  const options = { userId: 'ada', WebSocket: fakeWebSocket() };
  const hub = new HubClient('/ws', options);
  assert.throws(() => hub.start(), /'\/ws' is not a URL; a relative URL needs/);
});

test('a URL may be http, https, ws or wss, and have a query', (t) => {
  for (const [url, wanted] of [
    ['http://hub.test/ws', 'ws://hub.test/ws?userId=ada'],
    ['https://hub.test/ws', 'wss://hub.test/ws?userId=ada'],
    ['ws://hub.test:8081/ws#top', 'ws://hub.test:8081/ws?userId=ada'],
    [new URL('wss://hub.test/ws?'), 'wss://hub.test/ws?userId=ada'],
    ['wss://hub.test/ws?t=a%20b+c~', 'wss://hub.test/ws?t=a%20b+c~&userId=ada'],
  ]) {
    const client = fakeClient(t, {}, url);
    client.hub.start();
    assert.equal(client.socket.url, wanted);
  }
});

test('a wrong URL is an error that names it', () => {
  for (const [url, problem] of [
    ['hub://example.com', /'hub:.*' is not http, https, ws or wss/],
    ['ws://', /'ws:\/\/' is not a URL/],
    ['ws://hub.test/ws?userId=ada', /userId is an option/],
    ['ws://hub.test/ws?sessionId=1', /sessionId is an option/],
  ])
    assert.throws(() => new HubClient(url, { userId: 'ada' }), problem);
});

test('a function is asked for the URL before each try', async (t) => {
  const urls = ['ws://hub.test/ws?token=1', null, 'ws://hub.test/ws?token=2'];
  const client = fakeClient(t, {}, async () => {
    const url = urls.shift();
    if (url === null) throw new Error('no token');
    return url;
  });
  const settled = () => new Promise(setImmediate);
  client.hub.start();
  await settled();
  assert.equal(client.socket.url, 'ws://hub.test/ws?token=1&userId=ada');
  client.socket.ends();
  client.comeBack();
  await settled();
  assert.equal(client.hub.state, 'waiting');
  assert.match(client.last.error.message, /no token/);
  client.comeBack();
  await settled();
  assert.equal(client.socket.url, 'ws://hub.test/ws?token=2&userId=ada');
});

test('a URL that comes too late opens nothing', async (t) => {
  let answer;
  const client = fakeClient(t, {}, () => new Promise((resolve) => {
    answer = resolve;
  }));
  client.hub.start();
  client.hub.stop();
  answer('ws://hub.test/ws');
  await new Promise(setImmediate);
  assert.equal(client.sockets.length, 0);
  assert.equal(client.hub.state, 'closed');
});

test('wrong options are errors that name them', () => {
  const good = { userId: 'ada' };
  for (const [options, problem] of [
    [undefined, /must be an object with a userId/],
    [null, /must be an object with a userId/],
    [{}, /^TypeError: userId is missing$/],
    [{ userId: undefined }, /userId is missing/],
    [{ userId: 7 }, /userId must be a string, not number/],
    [{ userID: 'ada' }, /unknown option 'userID'/],
    [{ ...good, baseDelayMs: '1s' }, /baseDelayMs must be a number/],
    [{ ...good, baseDelayMs: 0 }, /baseDelayMs must be from 1 to 2147483647/],
    [{ ...good, maxDelayMs: NaN }, /maxDelayMs must be from 1/],
    [{ ...good, maxHintMs: 0 }, /maxHintMs must be from 1/],
    [{ ...good, stableMs: -1 }, /stableMs must be from 0/],
    [{ ...good, idleTimeoutMs: 2 ** 31 }, /idleTimeoutMs must be from 0/],
    [{ ...good, connectTimeoutMs: Infinity }, /connectTimeoutMs must be/],
    [{ ...good, WebSocket: {} }, /WebSocket must be a function, not object/],
    [{ ...good, onError: 1 }, /onError must be a function/],
    [{ ...good, shouldReconnect: true }, /shouldReconnect must be a function/],
  ])
    assert.throws(() => new HubClient('ws://hub.test/ws', options), problem);
  const absent = Object.fromEntries(
    ['sessionId', 'WebSocket', 'onError', 'maxDelayMs'].map((name) =>
      [name, null]));
  assert.equal(new HubClient('ws://hub.test/ws', { ...good, ...absent }).state,
    'idle');
});

test('handlers are functions, and types are strings', () => {
  const hub = new HubClient('ws://hub.test/ws', { userId: 'ada' });
  assert.throws(() => hub.on('note'), /handler must be a function, not undef/);
  assert.throws(() => hub.onState({}), /handler must be a function, not obje/);
  assert.throws(() => hub.on('', () => {}), /type must be a non-empty string/);
  assert.throws(() => hub.on(undefined, () => {}), /type must be a non-empty string/);
});

test('ids that hubd refuses are errors that say why', () => {
  for (const [id, problem] of [
    ['', /is empty/],
    ['a'.repeat(257), /is longer than 256 bytes/],
    ['\u{1f600}'.repeat(64) + 'a', /is longer than 256 bytes/],
    ['a\u0000', /contains a control character/],
    ['a\nb', /contains a control character/],
    ['\u007f', /contains a control character/],
    ['\u0080', /contains a control character/],
    ['\u009f', /contains a control character/],
    ['a\ud83d', /contains an unpaired surrogate/],
    ['\ude00a', /contains an unpaired surrogate/],
    ['\ude00\ud83d', /contains an unpaired surrogate/],
  ]) {
    for (const name of ['userId', 'sessionId']) {
      assert.throws(
        () => new HubClient('ws://hub.test/ws', { userId: 'ada', [name]: id }),
        (error) => error instanceof RangeError && problem.test(error.message) &&
          error.message.startsWith(`${name} `));
    }
  }
});

test('ids arrive as they are', (t) => {
  const ids = ['a b+c&d=e%20', '\u00a0\u2028', '\u{1f600}'.repeat(64)];
  for (const userId of ids) {
    const client = fakeClient(t, { userId, sessionId: userId });
    client.hub.start();
    const { searchParams } = new URL(client.socket.url);
    assert.equal(searchParams.get('userId'), userId);
    assert.equal(searchParams.get('sessionId'), userId);
  }
});

// The module in a world with nothing but ECMAScript and what is given.
async function inWorld(globals) {
  const sources = await Promise.all(['hub-protocol.js', 'hub-client.js'].map(
    (name) => readFile(new URL(`../${name}`, import.meta.url), 'utf8')));
  const world = vm.createContext(globals);

  vm.runInContext(
    `'use strict';${sources.join('').replace(/^import \{.*?;$/gms, '')
      .replace(/^export /gm, '')}
    globalThis.HubClient = HubClient;`, world);
  return world;
}

test('to import and to construct, no global is needed', async () => {
  const { HubClient: Client } = await inWorld({});
  const hub = new Client('ws://hub.test/ws', {
    userId: '\u{1f600}'.repeat(64), WebSocket: fakeWebSocket(),
  });
  assert.equal(hub.state, 'idle');
  assert.throws(() => new Client('/ws', { userId: '\u00e9'.repeat(129) }),
    /longer than 256 bytes/);
  assert.throws(() => hub.start(), /there is no URL here/);
});

test('to connect, timers and URL are enough', async () => {
  const failures = [];
  const WebSocket = fakeWebSocket();
  const timers = new Set();
  const { HubClient: Client } = await inWorld({
    URL,
    setTimeout: (action) => {
      timers.add(action);
      return action;
    },
    clearTimeout: (action) => timers.delete(action),
  });
  // The next one of those that are set.
  const fire = () => {
    const [action] = timers;
    timers.delete(action);
    action();
  };
  const hub = new Client('ws://hub.test/ws', {
    userId: 'ada', WebSocket, baseDelayMs: 1, idleTimeoutMs: 1000,
  });
  const heard = [];
  hub.on('note', (payload) => heard.push(payload));
  hub.on('bad', () => {
    throw new Error('of a handler');
  });
  hub.start();
  WebSocket.last.onerror({});
  fire();
  assert.equal(hub.state, 'waiting');
  while (hub.state === 'waiting') fire();
  WebSocket.last.opens();
  WebSocket.last.gets({ type: 'note', payload: 1 });
  WebSocket.last.gets({ type: 'bad', payload: 1 });
  assert.deepEqual(heard, [1]);
  try {
    for (const action of [...timers]) action();
  } catch (error) {
    failures.push(error.message);
  }
  assert.deepEqual(failures, ['of a handler']);
  hub.stop();
  assert.equal(hub.state, 'closed');
});
