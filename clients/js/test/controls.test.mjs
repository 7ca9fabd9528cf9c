// hub.v1: what is offered, hello, control frames, and tokens that are replaced
// before they expire.
import assert from 'node:assert/strict';
import test from 'node:test';

import { HubClient, shouldReconnect } from '../hub-client.js';
import { fakeClient } from './fakes.mjs';

const note = (payload) => ({ type: 'note', payload, timestamp: '2024-01-02' });
const settled = () => new Promise(setImmediate);
const hello = (members) => ({
  hub: 'hello', connectionId: 'c1', userId: 'ada', pingIntervalMs: 25000,
  ...members,
});

// A client that has been let in, with what it has reported.
async function helloClient(t, options, members) {
  const reports = [];
  const client = fakeClient(t, {
    onError: (...values) => reports.push(values), ...options,
  });
  client.hub.start();
  await settled();
  client.socket.opens();
  client.socket.gets(hello(members));
  return Object.assign(client, { reports });
}

// One whose tokens are t1, t2 and so on, the first of which lasts 100 s. The
// clock is so far that they are due for replacement after 85 s.
function tokenClient(t, options) {
  let count = 0;
  return helloClient(t, { token: async () => `t${++count}`, ...options },
    { expiresInMs: 100000 });
}

const refresh = (token) => ({ hub: 'refresh', token });
const refused = (code) => ({ hub: 'error', for: 'refresh', code, message: '' });

// What is offered. ------------------------------------------------------------

test('a plain client offers nothing, not even an empty list', (t) => {
  const client = fakeClient(t);
  client.hub.start();
  assert.equal(client.socket.values.length, 1);
});

test('a token, a ticket or nothing is offered beside hub.v1', async (t) => {
  for (const [options, offered] of [
    [{ token: 'a.b-c_d' }, ['hub.v1', 'hub.token.a.b-c_d']],
    [{ token: () => 'a' }, ['hub.v1', 'hub.token.a']],
    [{ token: async () => 'a' }, ['hub.v1', 'hub.token.a']],
    [{ ticket: async () => 'hubt_1' }, ['hub.v1', 'hub.ticket.hubt_1']],
    [{ controls: true }, ['hub.v1']],
  ]) {
    const client = fakeClient(t, options);
    client.hub.start();
    await settled();
    assert.deepEqual(client.socket.protocols, offered);
  }
});

test('a fixed token is offered at once', (t) => {
  const client = fakeClient(t, { token: 'a' });
  client.hub.start();
  assert.equal(client.sockets.length, 1);
});

test('ids may be left to the hub, or be claimed', async (t) => {
  for (const [options, query] of [
    [{ userId: null }, ''],
    [{ userId: null, sessionId: 's' }, '?sessionId=s'],
    [{}, '?userId=ada'],
  ]) {
    const client = fakeClient(t, { token: 'a', ...options });
    client.hub.start();
    assert.equal(client.socket.url, `ws://hub.test/ws${query}`);
  }
});

test('a function is asked before each attempt, behind the URL', async (t) => {
  const asked = [];
  const client = fakeClient(t, {
    ticket: async () => {
      asked.push('ticket');
      return `t${asked.length}`;
    },
  }, async () => {
    asked.push('url');
    return 'ws://hub.test/ws';
  });
  client.hub.start();
  await settled();
  client.socket.ends();
  client.comeBack();
  await settled();
  assert.deepEqual(asked, ['url', 'ticket', 'url', 'ticket']);
  assert.deepEqual(client.sockets.map(({ protocols }) => protocols[1]),
    ['hub.ticket.t2', 'hub.ticket.t4']);
});

test('a token that comes too late opens nothing', async (t) => {
  let answer;
  const client = fakeClient(t, {
    token: () => new Promise((resolve) => {
      answer = resolve;
    }),
    connectTimeoutMs: 1000,
  });
  client.hub.start();
  await settled();
  client.clock.pass(1000);
  assert.equal(client.hub.state, 'waiting');
  assert.match(client.last.error.message, /no answer within 1000 ms/);
  answer('a');
  await settled();
  assert.equal(client.sockets.length, 0);
});

test('wrong options are errors that do not show a token', () => {
  const make = (options) => new HubClient('ws://hub.test/ws', options);
  for (const [options, problem] of [
    [{ token: 7 }, /^TypeError: token must be a string, not number$/],
    [{ token: '' }, /^RangeError: token is empty$/],
    [{ token: 'secret, secret' }, /^RangeError: token contains something oth/],
    [{ token: 'secret=' }, /token contains something other than letters/],
    [{ token: 'secret\u00e9' }, /token contains something other/],
    [{ ticket: 'secret' }, /^TypeError: ticket must be a function, not string/],
    [{ token: 'a', ticket: () => 'a' }, /token and ticket exclude each other/],
    [{ controls: 1 }, /controls must be a boolean, not number/],
    [{ controls: false }, /userId is missing/],
  ])
    assert.throws(() => make(options), (error) =>
      problem.test(String(error)) && !error.message.includes('secret'));
  assert.equal(make({ controls: true }).state, 'idle');
});

test('a token that cannot be had is reported and tried again', async (t) => {
  const failure = new Error('offline');
  const gives = [
    () => { throw failure; }, async () => { throw failure; },
    () => undefined, async () => 'secret secret', () => 'good',
  ];
  const reports = [];
  const client = fakeClient(t, {
    token: () => gives.shift()(),
    onError: (error, context) => reports.push([error, context]),
  });
  client.hub.start();
  for (const [attempt, problem] of [
    [1, /^Error: offline$/], [2, /^Error: offline$/],
    [3, /^TypeError: what the function token returns must be a string, not un/],
    [4, /^RangeError: what the function token returns contains something oth/],
  ]) {
    await settled();
    const { state, code, error, delayMs } = client.last;
    assert.deepEqual([state, code], ['waiting', 1006]);
    assert.match(String(error), problem);
    assert.equal(error.message.includes('secret'), false);
    assert.equal(delayMs, 500 * 2 ** (attempt - 1));
    assert.deepEqual(reports.at(-1), [error, { source: 'token' }]);
    assert.equal(reports.length, attempt);
    client.comeBack();
  }
  await settled();
  assert.equal(client.sockets.length, 1);
});

test('without onError, a token that cannot be had is a warning', async (t) => {
  const warned = t.mock.method(console, 'warn', () => {});
  const client = fakeClient(t, {
    ticket: () => { throw new Error('offline'); },
  });
  client.hub.start();
  await settled();
  assert.deepEqual(warned.mock.calls.map(({ arguments: [text] }) => text),
    ['hub-client: ticket:']);
  assert.equal(client.hub.state, 'waiting');
});

// Hello. ----------------------------------------------------------------------

test('it is open when the hub has said hello, and knows it', async (t) => {
  const client = fakeClient(t, { token: 'a' });
  const heard = [];
  client.hub.on('*', (payload) => heard.push(payload));
  const opened = client.hub.opened();
  client.hub.start();
  client.socket.opens();
  assert.equal(client.hub.state, 'connecting');
  assert.equal(client.hub.hello, null);
  client.socket.gets(hello({ sessionId: 's', expiresInMs: 60000 }));
  await opened;
  const said = {
    connectionId: 'c1', userId: 'ada', sessionId: 's', expiresInMs: 60000,
    pingIntervalMs: 25000,
  };
  assert.deepEqual(client.last, { state: 'open', attempt: 1, hello: said });
  assert.deepEqual(client.hub.hello, said);
  assert.ok(Object.isFrozen(client.hub.hello));
  client.socket.gets(hello({ userId: 'eve' }));
  assert.deepEqual(client.hub.hello, said);
  assert.deepEqual(client.said, ['connecting', 'open']);
  client.socket.ends();
  assert.equal(client.hub.hello, null);
  assert.deepEqual(heard, []);
});

test('a hub that does not say hello is given up', (t) => {
  const client = fakeClient(t, { controls: true });
  client.hub.start();
  client.socket.opens();
  client.clock.pass(HubClient.defaults.connectTimeoutMs);
  assert.equal(client.hub.state, 'waiting');
  assert.deepEqual(client.socket.closedWith, [1000]);
});

test('where the hub does not agree to hub.v1, it is a plain client', (t) => {
  const client = fakeClient(t, { controls: true });
  client.hub.start();
  client.socket.protocol = '';
  client.socket.opens();
  assert.equal(client.hub.state, 'open');
  assert.equal(client.hub.hello, null);
});

test('control frames are no messages, and unknown ones nothing', async (t) => {
  const client = await helloClient(t, { controls: true });
  const heard = [];
  client.hub.on('*', (payload) => heard.push(payload));
  for (const frame of [
    { hub: 'pong' }, { hub: 'dance', a: 1 }, { hub: 'constructor' },
    { hub: 'error', code: 'unknown_control', message: '' },
    { hub: 'expiring', inMs: 1 }, refused('unknown'),
  ])
    client.socket.gets(frame);
  client.socket.gets({ ...note(1), hub: 'ping' });
  assert.deepEqual(heard, [1]);
  assert.deepEqual(client.socket.sent, []);
  assert.equal(client.reports.length, 1); // of the refusal
  client.socket.gets({ hub: 7 });
  assert.equal(client.reports.at(-1)[1].source, 'frame');
});

test('to a plain client, a control frame is no message', (t) => {
  const reports = [];
  const client = fakeClient(t, {
    onError: (error, { source }) => reports.push(source),
  });
  client.hub.start();
  client.socket.opens();
  client.socket.gets(hello());
  assert.deepEqual(reports, ['frame']);
});

// Refreshes. ------------------------------------------------------------------

test('a token is replaced in time, on the same connection', async (t) => {
  const client = await tokenClient(t);
  assert.equal(client.socket.protocols[1], 'hub.token.t1');
  for (const token of ['t2', 't3', 't4', 't5']) {
    client.clock.pass(84999);
    await settled();
    assert.equal(client.socket.sent.length, Number(token[1]) - 2);
    client.clock.pass(1);
    await settled();
    assert.deepEqual(client.socket.sent.at(-1), refresh(token));
    client.socket.gets({ hub: 'refreshed', expiresInMs: 100000 });
  }
  assert.equal(client.sockets.length, 1);
  assert.deepEqual(client.said, ['connecting', 'open']);
});

test('they are replaced at different times', async (t) => {
  for (const [fraction, ms] of [[0, 80000], [0.999, 89990]]) {
    const client = fakeClient(t, { token: async () => 'a' });
    client.clock.fraction = fraction;
    client.hub.start();
    await settled();
    client.socket.opens();
    client.socket.gets(hello({ expiresInMs: 100000 }));
    client.clock.pass(ms - 1);
    await settled();
    assert.equal(client.socket.sent.length, 0);
    client.clock.pass(1);
    await settled();
    assert.equal(client.socket.sent.length, 1);
  }
});

test('a token that lasts for years is replaced once a month', async (t) => {
  const client = await helloClient(t, { token: async () => 'a' },
    { expiresInMs: 10 ** 11 });
  client.clock.pass(2 ** 31 - 2);
  await settled();
  assert.equal(client.socket.sent.length, 0);
  client.clock.pass(1);
  await settled();
  assert.equal(client.socket.sent.length, 1);
});

test('it is replaced at the latest when the hub says so, once', async (t) => {
  const client = await tokenClient(t);
  client.socket.gets({ hub: 'expiring', inMs: 60000 });
  client.socket.gets({ hub: 'expiring', inMs: 60000 });
  await settled();
  client.socket.gets({ hub: 'expiring', inMs: 60000 });
  await settled();
  assert.deepEqual(client.socket.sent, [refresh('t2')]);
});

test('fixed tokens and tickets are not replaced', async (t) => {
  for (const options of [{ token: 'a' }, { ticket: () => 'a' }]) {
    const client = await helloClient(t, options, { expiresInMs: 100000 });
    client.socket.gets({ hub: 'expiring', inMs: 60000 });
    client.clock.pass(10 ** 6);
    await settled();
    assert.deepEqual(client.socket.sent, []);
    assert.equal(client.clock.timers, 0);
  }
});

test('a token that is refused is reported, and not tried again', async (t) => {
  const client = await tokenClient(t);
  client.clock.pass(85000);
  await settled();
  client.socket.gets(refused('unauthorized'));
  const [[error, context]] = client.reports;
  assert.match(error.message, /^the hub refused a new token: unauthorized$/);
  assert.deepEqual(context, { source: 'token' });
  client.clock.pass(10 ** 6);
  await settled();
  assert.equal(client.socket.sent.length, 1);
  assert.equal(client.hub.state, 'open');
});

test('a hub that cannot check it is asked again, ever later', async (t) => {
  const client = await tokenClient(t);
  client.clock.pass(85000);
  await settled();
  for (const [code, waitMs] of [['keys_unavailable', 500],
    ['overloaded', 1000]]) {
    const { length } = client.socket.sent;
    client.socket.gets(refused(code));
    client.clock.pass(waitMs - 1);
    await settled();
    assert.equal(client.socket.sent.length, length);
    client.clock.pass(1);
    await settled();
    assert.equal(client.socket.sent.length, length + 1);
  }
  assert.deepEqual(client.reports, []);
});

test('refreshes are never more than hubd allows', async (t) => {
  const client = await tokenClient(t);
  const times = [];
  client.clock.pass(85000);
  await settled();
  for (let i = 0; i < 600; i++) {
    if (client.socket.sent.length > times.length) {
      times.push(client.clock.nowMs);
      client.socket.gets(refused('overloaded'));
    }
    client.clock.pass(1000);
    await settled();
  }
  assert.ok(times.length > 10, `${times.length} refreshes`);
  times.forEach((fourth, i) => {
    if (i >= 3) assert.ok(fourth - times[i - 3] >= 10000);
  });
  let wholeMs = 0; // as hubd counts
  for (const ms of times) {
    wholeMs = Math.max(wholeMs, ms);
    assert.ok(wholeMs - ms <= 20000);
    wholeMs += 10000;
  }
});

test('an answer that is lost is waited for, then asked for', async (t) => {
  const client = await tokenClient(t);
  client.clock.pass(85000);
  await settled();
  client.clock.pass(9999);
  await settled();
  assert.equal(client.socket.sent.length, 1);
  client.clock.pass(1);
  await settled();
  assert.deepEqual(client.socket.sent, [refresh('t2'), refresh('t3')]);
});

test('without a new token it is asked for again, and reported', async (t) => {
  const failure = new Error('offline');
  const gives = [() => 't1', () => { throw failure; }, () => 'a b', () => 't2'];
  const client = await helloClient(t, { token: () => gives.shift()() },
    { expiresInMs: 100000 });
  client.clock.pass(85000);
  await settled();
  client.clock.pass(500);
  await settled();
  client.clock.pass(999);
  await settled();
  assert.deepEqual(client.socket.sent, []);
  client.clock.pass(1);
  await settled();
  assert.deepEqual(client.socket.sent, [refresh('t2')]);
  assert.deepEqual(client.reports.map(([, { source }]) => source),
    ['token', 'token']);
  assert.equal(client.reports[0][0], failure);
  assert.equal(client.hub.state, 'open');
});

test('after the end nothing is refreshed', async (t) => {
  const waiting = await tokenClient(t);
  waiting.hub.stop();
  assert.equal(waiting.clock.timers, 0);

  let answer;
  const gives = [() => 't1', () => new Promise((resolve) => {
    answer = resolve;
  })];
  const asking = await helloClient(t, { token: () => gives.shift()() },
    { expiresInMs: 100000 });
  asking.clock.pass(85000);
  asking.hub.stop();
  answer('t2');
  await settled();
  assert.deepEqual(asking.socket.sent, []);
  assert.equal(asking.clock.timers, 0);
});

// Ends. -----------------------------------------------------------------------

test('who is told 3000 comes back with another token', async (t) => {
  let count = 0;
  const client = fakeClient(t, { token: () => `t${++count}` });
  client.hub.start();
  for (const [attempt, delayMs] of [[1, 500], [2, 1000], [3, 2000]]) {
    await settled();
    assert.equal(client.socket.protocols[1], `hub.token.t${attempt}`);
    client.socket.opens();
    client.socket.ends(3000, 'token expired');
    assert.deepEqual(client.last, {
      state: 'waiting', attempt, delayMs, hinted: false, code: 3000,
      reason: 'token expired',
    });
    client.comeBack();
  }
  assert.equal(client.said.includes('open'), false);
});

test('with a fixed token, 3000 is an end for good', async (t) => {
  const client = fakeClient(t, { token: 'a' });
  const opened = client.hub.opened();
  client.hub.start();
  client.socket.opens();
  client.socket.ends(3000, 'unauthorized');
  await assert.rejects(opened, { name: 'HubClosedError', code: 3000,
    reason: 'unauthorized' });

  const other = fakeClient(t, { token: 'a', shouldReconnect });
  other.hub.start();
  other.socket.ends(3000, 'unauthorized');
  assert.equal(other.hub.state, 'waiting');
});

test('3003 is an end for good, however it shows who it is', async (t) => {
  for (const options of [{}, { token: () => 'a' }, { ticket: () => 'a' }]) {
    const client = fakeClient(t, options);
    const opened = client.hub.opened();
    client.hub.start();
    await settled();
    client.socket.opens();
    client.socket.ends(3003, 'forbidden');
    if (options.token ?? options.ticket)
      await assert.rejects(opened, { code: 3003, reason: 'forbidden' });
    assert.equal(client.hub.state, 'closed');
  }
});

test('a hub that is full says when to come back', (t) => {
  const client = fakeClient(t, { controls: true });
  const reason = 'at_capacity; retry-after-ms=10000';
  client.hub.start();
  client.socket.opens();
  client.socket.ends(1013, reason);
  assert.deepEqual(client.last, {
    state: 'waiting', attempt: 1, delayMs: 10000, hinted: true, code: 1013,
    reason,
  });
});

// Idle connections. -----------------------------------------------------------

test('a silent hub is asked whether it is there', async (t) => {
  const client = await helloClient(t,
    { controls: true, idleTimeoutMs: 1000 });
  for (let i = 1; i <= 5; i++) {
    client.clock.pass(500);
    assert.equal(client.socket.sent.length, i);
    assert.deepEqual(client.socket.sent.at(-1), { hub: 'ping' });
    client.socket.gets({ hub: 'pong' });
  }
  assert.equal(client.hub.state, 'open');
  client.clock.pass(499);
  client.socket.gets(note(1));
  client.clock.pass(499);
  assert.equal(client.socket.sent.length, 5); // there was a sign of life
  client.clock.pass(501);
  assert.equal(client.hub.state, 'waiting');
  assert.match(client.last.error.message, /nothing received for 1000 ms/);
});

test('after a pause the hub is asked first', async (t) => {
  const client = await helloClient(t,
    { controls: true, idleTimeoutMs: 1000 });
  client.clock.sleep(10 ** 6);
  assert.deepEqual(client.socket.sent, [{ hub: 'ping' }]);
  client.socket.gets({ hub: 'pong' });
  client.clock.pass(499);
  assert.equal(client.hub.state, 'open');
});
