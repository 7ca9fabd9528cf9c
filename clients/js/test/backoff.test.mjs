// When the next attempt is made: jitter, doubling, what the hub asks for, and a
// page's network events.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import test from 'node:test';

import { HubClient } from '../hub-client.js';
import { fakeClient } from './fakes.mjs';

const { baseDelayMs, maxDelayMs, stableMs, maxHintMs } = HubClient.defaults;
const shutdown = (value) => `shutting down; retry-after-ms=${value}`;

// The delays after so many tries that fail in a row.
function delaysOf(client, count) {
  const delays = [];

  client.hub.start();
  for (let i = 0; i < count; i++) {
    client.socket.ends();
    delays.push(client.last.delayMs);
    client.comeBack();
    assert.equal(client.hub.state, 'connecting');
  }
  return delays;
}

test('delays double up to the longest, and are whole without luck', (t) => {
  const client = fakeClient(t);
  client.clock.fraction = 1 - Number.EPSILON;
  const ceilings = delaysOf(client, 12).map((ms) => ms + 1);
  assert.deepEqual(ceilings.slice(0, 6),
    [1000, 2000, 4000, 8000, 16000, 30000]);
  assert.deepEqual(new Set(ceilings.slice(5)), new Set([maxDelayMs]));
});

test('jitter is full: from nothing to the whole delay, evenly', (t) => {
  for (const fraction of [0, 0.25, 0.5, 0.75]) {
    const client = fakeClient(t);
    client.clock.fraction = fraction;
    assert.deepEqual(delaysOf(client, 3),
      [1, 2, 4].map((factor) => fraction * factor * baseDelayMs));
  }
});

test('after ever so many failures the delay is still the longest', (t) => {
  const client = fakeClient(t, { baseDelayMs: 3, maxDelayMs: 100 });
  client.clock.fraction = 0.9;
  assert.deepEqual(new Set(delaysOf(client, 2000).slice(6)), new Set([90]));
});

test('no try comes before its time, and one comes at it', (t) => {
  const client = fakeClient(t);
  client.hub.start();
  client.socket.ends();
  client.clock.pass(client.last.delayMs - 1);
  assert.equal(client.sockets.length, 1);
  client.clock.pass(1);
  assert.equal(client.sockets.length, 2);
});

test('a timer that fires early does not make a try early', (t) => {
  const client = fakeClient(t);
  client.hub.start();
  client.socket.ends();
  client.clock.fireEarly(1);
  assert.equal(client.hub.state, 'waiting');
  client.clock.pass(1);
  assert.equal(client.hub.state, 'connecting');
});

test('attempts are counted until a connection has lasted', (t) => {
  const client = fakeClient(t);
  delaysOf(client, 3);
  client.socket.opens();
  assert.equal(client.last.attempt, 4);
  client.clock.pass(stableMs - 1);
  client.socket.ends();
  assert.equal(client.last.attempt, 4);
  assert.equal(client.last.delayMs, 4 * baseDelayMs);

  client.comeBack();
  client.openAndLast();
  client.socket.ends();
  assert.equal(client.last.attempt, 0);
  assert.equal(client.last.delayMs, baseDelayMs / 2);
  client.comeBack();
  assert.deepEqual(client.last, { state: 'connecting', attempt: 1 });
});

test('an end that is likely to come again keeps delays growing', (t) => {
  for (const code of [1002, 1003, 1007, 1009, 1010, 1011, 1013]) {
    const client = fakeClient(t);
    client.hub.start();
    for (const factor of [1, 2, 4, 8]) {
      client.openAndLast();
      client.socket.ends(code);
      assert.equal(client.last.delayMs, (factor * baseDelayMs) / 2, code);
      client.comeBack();
    }
  }
});

test('the hub says when to come back', (t) => {
  for (const fraction of [0, 0.999]) {
    const client = fakeClient(t);
    client.clock.fraction = fraction;
    client.hub.start();
    client.openAndLast();
    client.socket.ends(1001, shutdown(2750));
    assert.deepEqual(client.last, {
      state: 'waiting', attempt: 0, delayMs: 2750, hinted: true, code: 1001,
      reason: shutdown(2750),
    });
    client.clock.pass(2749);
    assert.equal(client.sockets.length, 1);
    client.clock.pass(1);
    assert.equal(client.sockets.length, 2);
  }
});

test('who is sent away again and again waits longer than it is told', (t) => {
  const client = fakeClient(t);
  const delays = [];
  client.hub.start();
  for (let i = 0; i < 5; i++) {
    client.socket.opens();
    client.socket.ends(1001, shutdown(1500));
    delays.push(client.last.delayMs);
    client.comeBack();
  }
  assert.deepEqual(delays, [1500, 1500, 2000, 4000, 8000]);
});

test('a hint that makes no sense is none', (t) => {
  for (const reason of [
    '', 'shutting down', 'retry-after-ms=', shutdown(''), shutdown('-5'),
    shutdown('2.5'), shutdown('1e3'), shutdown('2750ms'), shutdown(' 2750'),
    shutdown('0x10'), shutdown('+1'), shutdown('NaN'),
    'shutting down; not-retry-after-ms=2750',
    'shutting down; Retry-After-MS=2750', 'retry-after-ms 2750',
  ]) {
    const client = fakeClient(t);
    client.hub.start();
    client.openAndLast();
    client.socket.ends(1001, reason);
    assert.deepEqual([client.last.hinted, client.last.delayMs],
      [false, baseDelayMs / 2], reason);
  }
});

test('a hint is found wherever it stands in the reason', (t) => {
  for (const reason of [
    'retry-after-ms=70', 'retry-after-ms=70; bye', 'bye;retry-after-ms=70',
    'bye retry-after-ms=70 now', 'bye; retry-after-ms=0070',
  ]) {
    const client = fakeClient(t);
    client.hub.start();
    client.openAndLast();
    client.socket.ends(1001, reason);
    assert.equal(client.last.delayMs, 70, reason);
  }
});

test('an absurd hint is cut to the longest', (t) => {
  for (const value of [maxHintMs + 1, 2 ** 31, '9'.repeat(80)]) {
    const client = fakeClient(t);
    client.hub.start();
    client.openAndLast();
    client.socket.ends(1001, shutdown(value));
    assert.equal(client.last.delayMs, maxHintMs);
    client.clock.pass(maxHintMs);
    assert.equal(client.hub.state, 'connecting');
  }
});

// What ends a call: not every runtime tells it by the same events.

test('an error alone ends a try, however long one may take', (t) => {
  for (const connectTimeoutMs of [0, 20000]) {
    const client = fakeClient(t, { connectTimeoutMs });
    client.hub.start();
    for (let attempt = 1; attempt <= 3; attempt++) {
      client.socket.onerror({ message: 'refused' });
      client.clock.pass(0);
      assert.equal(client.last.state, 'waiting');
      assert.deepEqual([client.last.attempt, client.last.code], [attempt, 1006]);
      assert.match(client.last.error.message, /^refused$/);
      client.comeBack();
    }
    assert.equal(client.sockets.length, 4);
  }
});

test('a close alone ends a try', (t) => {
  const client = fakeClient(t, { connectTimeoutMs: 0 });
  client.hub.start();
  client.socket.onclose({ code: 1006, reason: '' });
  assert.equal(client.last.state, 'waiting');
});

test('a close behind the error of a try has the last word', (t) => {
  const client = fakeClient(t);
  client.hub.start();
  client.socket.onerror({});
  assert.equal(client.hub.state, 'connecting');
  client.socket.onclose({ code: 1015, reason: '' });
  assert.equal(client.last.code, 1015);
  client.clock.pass(0);
  assert.deepEqual(client.said, ['connecting', 'waiting']);
});

test('a close behind the error of a connection has the last word', (t) => {
  const client = fakeClient(t);
  client.hub.start();
  client.openAndLast();
  client.socket.onerror({ message: 'too large' });
  client.clock.pass(900);
  assert.equal(client.hub.state, 'open');
  client.socket.onclose({ code: 1009, reason: 'too large' });
  assert.deepEqual(
    [client.last.state, client.last.code, client.last.reason],
    ['waiting', 1009, 'too large']);
  assert.match(client.last.error.message, /^too large$/);
});

test('an error alone ends a connection', (t) => {
  const client = fakeClient(t);
  client.hub.start();
  client.openAndLast();
  client.socket.onerror({ message: 'reset' });
  client.clock.pass(1000);
  assert.deepEqual(client.said, ['connecting', 'open', 'waiting']);
  assert.deepEqual([client.last.code, client.last.attempt], [1006, 0]);
  assert.deepEqual(client.socket.closedWith, [1000]);
});

// As Node 22 does when one that never opened is closed.
test('a socket that was given up may report what it likes', (t) => {
  const client = fakeClient(t);
  client.hub.start();
  const [first] = client.sockets;
  first.close = () => first.onerror({ message: 'closed before it was open' });
  first.onerror({ message: 'refused' });
  client.clock.pass(0);
  assert.match(client.last.error.message, /^refused$/);
  client.comeBack();
  first.onerror({ message: 'late' });
  first.onclose({ code: 1006, reason: '' });
  client.clock.pass(0);
  assert.deepEqual(client.said, ['connecting', 'waiting', 'connecting']);
});

test('a try that gets no answer is given up', (t) => {
  const client = fakeClient(t, { connectTimeoutMs: 300 });
  client.hub.start();
  client.clock.pass(299);
  assert.equal(client.hub.state, 'connecting');
  client.clock.pass(1);
  assert.equal(client.hub.state, 'waiting');
  assert.equal(client.last.code, 1006);
  assert.match(client.last.error.message, /no answer within 300 ms/);
  assert.equal(client.socket.closedWith.length, 1);
  client.socket.opens(); // too late
  client.socket.ends();
  assert.deepEqual(client.said, ['connecting', 'waiting']);
});

test('without a limit a try has all the time there is', (t) => {
  const client = fakeClient(t, { connectTimeoutMs: 0 });
  client.hub.start();
  assert.equal(client.clock.timers, 0);
  client.socket.opens();
  assert.equal(client.hub.state, 'open');
});

test('a silent connection is given up, if that is asked for', (t) => {
  const client = fakeClient(t, { idleTimeoutMs: 5000 });
  client.hub.start();
  client.socket.opens();
  for (let i = 0; i < 10; i++) {
    client.clock.pass(4999);
    client.socket.gets({ type: 'tick', payload: null });
  }
  client.clock.pass(4999);
  assert.equal(client.hub.state, 'open');
  client.clock.pass(1);
  assert.equal(client.hub.state, 'waiting');
  assert.match(client.last.error.message, /nothing received for 5000 ms/);
  assert.equal(client.last.attempt, 0);
  assert.deepEqual(client.socket.closedWith, [1000]);
});

test('by default a connection may be silent for ever', (t) => {
  const client = fakeClient(t);
  client.hub.start();
  client.socket.opens();
  assert.equal(client.clock.timers, 0);
  client.clock.pass(10 ** 9);
  assert.equal(client.hub.state, 'open');
});

test('after a sleep, what has come meanwhile may still be read', (t) => {
  const client = fakeClient(t, { idleTimeoutMs: 5000 });
  client.hub.start();
  client.socket.opens();
  client.clock.sleep(60000);
  assert.equal(client.hub.state, 'open');
  client.socket.gets({ type: 'tick', payload: null });
  client.clock.pass(4999);
  assert.equal(client.hub.state, 'open');

  client.clock.sleep(60000);
  assert.equal(client.hub.state, 'open');
  client.clock.sleep(60000);
  assert.equal(client.hub.state, 'waiting');
});

// Pages. ---------------------------------------------------------------------

// Gives this process the events of a page, until the test ends.
function asPage(t) {
  const page = { window: new EventTarget(), document: new EventTarget() };
  const fake = {
    addEventListener: page.window.addEventListener.bind(page.window),
    removeEventListener: page.window.removeEventListener.bind(page.window),
    document: page.document,
  };

  page.document.baseURI = 'https://app.test/some/page?x=1#y';
  for (const [name, value] of Object.entries(fake)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => {
      delete globalThis[name];
      if (before) Object.defineProperty(globalThis, name, before);
    });
  }
  page.goesOnline = () => page.window.dispatchEvent(new Event('online'));
  page.isLookedAt = () =>
    page.document.dispatchEvent(new Event('visibilitychange'));
  return page;
}

test('when the network comes back, a try is made at once', (t) => {
  const page = asPage(t);
  const client = fakeClient(t);
  delaysOf(client, 8);
  client.socket.ends();
  assert.ok(client.last.delayMs > 10000);
  page.goesOnline();
  assert.deepEqual(client.last, { state: 'connecting', attempt: 1 });
  assert.equal(client.sockets.length, 10);
});

test('what a page hears of its network leaves connections alone', (t) => {
  const page = asPage(t);
  const client = fakeClient(t);
  client.hub.start();
  page.goesOnline();
  page.isLookedAt();
  client.socket.opens();
  page.goesOnline();
  page.isLookedAt();
  assert.deepEqual(client.said, ['connecting', 'open']);
  assert.equal(client.sockets.length, 1);
});

test('what the hub asked for holds when the network comes back', (t) => {
  const page = asPage(t);
  const client = fakeClient(t);
  client.hub.start();
  client.openAndLast();
  client.socket.ends(1001, shutdown(2750));
  client.clock.pass(2000);
  page.goesOnline();
  client.clock.pass(749);
  assert.equal(client.hub.state, 'waiting');
  client.clock.pass(1);
  assert.equal(client.hub.state, 'connecting');
});

test('a page that is looked at again makes up for late timers', (t) => {
  const page = asPage(t);
  const client = fakeClient(t);
  client.hub.start();
  client.socket.ends();
  client.clock.nowMs += client.last.delayMs - 1;
  page.isLookedAt();
  assert.equal(client.hub.state, 'waiting');
  client.clock.nowMs += 1;
  page.isLookedAt();
  assert.equal(client.hub.state, 'connecting');
});

test('a client that was stopped hears nothing of the page', (t) => {
  const page = asPage(t);
  const client = fakeClient(t);
  client.hub.start();
  client.socket.ends();
  client.hub.stop();
  client.clock.pass(10 ** 6);
  assert.deepEqual(getEventListeners(page.window, 'online'), []);
  assert.deepEqual(getEventListeners(page.document, 'visibilitychange'), []);
  assert.equal(client.sockets.length, 1);
  assert.equal(client.clock.timers, 0);
});

test('a relative URL starts from the page', (t) => {
  asPage(t);
  for (const [url, wanted] of [
    ['/ws', 'wss://app.test/ws?userId=ada'],
    ['ws', 'wss://app.test/some/ws?userId=ada'],
    ['//hub.test/ws', 'wss://hub.test/ws?userId=ada'],
    ['?a=b', 'wss://app.test/some/page?a=b&userId=ada'],
  ]) {
    const client = fakeClient(t, {}, url);
    client.hub.start();
    assert.equal(client.socket.url, wanted);
  }
});
