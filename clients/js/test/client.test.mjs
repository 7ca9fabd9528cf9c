// States, handlers and their errors: what a program sees of a client whose
// sockets and time the test controls.
import assert from 'node:assert/strict';
import test from 'node:test';

import { HubClosedError, shouldReconnect } from '../hub-client.js';
import { fakeClient, openClient } from './fakes.mjs';

const note = (payload) => ({ type: 'note', payload, timestamp: '2024-01-02' });

// States. ---------------------------------------------------------------------

test('states come in order, with what is known', (t) => {
  const client = fakeClient(t);
  assert.equal(client.hub.state, 'idle');
  client.hub.start();
  client.openAndLast();
  client.socket.ends(1011, 'oh');
  client.comeBack();
  client.socket.opens();
  client.hub.stop();
  assert.deepEqual(client.states, [
    { state: 'connecting', attempt: 1 },
    { state: 'open', attempt: 1 },
    { state: 'waiting', attempt: 1, delayMs: 500, hinted: false, code: 1011,
      reason: 'oh' },
    { state: 'connecting', attempt: 2 },
    { state: 'open', attempt: 2 },
    { state: 'closed', attempt: 2, code: 1000, reason: 'stopped' },
  ]);
});

test('a second start changes nothing, in any state', (t) => {
  const client = fakeClient(t);
  client.hub.start();
  client.hub.start();
  client.socket.opens();
  client.hub.start();
  client.socket.ends();
  client.hub.start();
  assert.deepEqual(client.said, ['connecting', 'open', 'waiting']);
  assert.equal(client.sockets.length, 1);
  assert.equal(client.clock.timers, 1);
});

test('stop closes with 1000 and is not followed by anything', (t) => {
  const reach = {
    idle: () => {},
    connecting: ({ hub }) => hub.start(),
    open: ({ hub, socket, sockets }) => {
      hub.start();
      (socket ?? sockets[0]).opens();
    },
    waiting: ({ hub, sockets }) => {
      hub.start();
      sockets[0].ends();
    },
  };
  for (const [state, go] of Object.entries(reach)) {
    const client = fakeClient(t);
    const heard = [];
    client.hub.on('*', (payload) => heard.push(payload));
    go(client);
    assert.equal(client.hub.state, state);
    client.hub.stop();
    client.hub.stop();
    assert.equal(client.hub.state, 'closed');
    assert.equal(client.last.code, 1000);
    assert.equal(client.clock.timers, 0);
    if (state === 'connecting' || state === 'open') {
      assert.deepEqual(client.socket.closedWith, [1000]);
      client.socket.opens();
      client.socket.gets(note(1));
      client.socket.ends();
    }
    client.clock.pass(10 ** 7);
    assert.equal(client.said.filter((said) => said === 'closed').length, 1);
    assert.equal(client.last.state, 'closed');
    assert.ok(client.sockets.length <= 1);
    assert.deepEqual(heard, []);
  }
});

test('after stop, start connects anew, with the same handlers', (t) => {
  const client = openClient(t);
  const heard = [];
  client.hub.on('note', (payload) => heard.push(payload));
  const [first] = client.sockets;
  client.hub.stop();
  client.hub.start();
  assert.deepEqual(client.last, { state: 'connecting', attempt: 1 });
  client.socket.opens();
  first.ends(1000); // the old one took its time
  first.gets(note('old'));
  client.socket.gets(note('new'));
  assert.equal(client.hub.state, 'open');
  assert.deepEqual(heard, ['new']);
});

test('all hear of all states in the same order', (t) => {
  const client = fakeClient(t);
  const heard = [];
  client.hub.onState((state) => {
    if (state === 'open') client.hub.stop();
  });
  client.hub.onState((state) => heard.push(state));
  client.hub.start();
  client.socket.opens();
  assert.deepEqual(heard, ['connecting', 'open', 'closed']);
  assert.deepEqual(client.said, heard);
});

test('who stops it when it begins to connect has stopped it', (t) => {
  const client = fakeClient(t);
  client.hub.onState((state) => {
    if (state === 'connecting') client.hub.stop();
  });
  client.hub.start();
  assert.equal(client.sockets.length, 0);
  assert.equal(client.hub.state, 'closed');
});

test('who starts it again when it has ended has started it', (t) => {
  const client = openClient(t);
  client.hub.onState((state) => {
    if (state === 'closed' && client.sockets.length === 1) client.hub.start();
  });
  client.socket.ends(3500);
  client.socket.opens();
  assert.deepEqual(client.said.slice(2), ['closed', 'connecting', 'open']);
  assert.equal(client.sockets.length, 2);
});

test('a removed state handler hears no more', (t) => {
  const client = fakeClient(t);
  const heard = [];
  const off = client.hub.onState((state) => heard.push(state));
  client.hub.start();
  off();
  off();
  client.socket.opens();
  assert.deepEqual(heard, ['connecting']);
});

test('the detail of a state cannot be changed by a handler', (t) => {
  const client = fakeClient(t);
  let detail;
  client.hub.onState((_, given) => {
    detail = given;
  });
  client.hub.start();
  assert.ok(Object.isFrozen(detail));
});

// opened(). -------------------------------------------------------------------

test('opened resolves through failures, and at once when open', async (t) => {
  const client = fakeClient(t);
  const early = client.hub.opened();
  client.hub.start();
  client.socket.ends();
  const late = client.hub.opened();
  client.comeBack();
  client.socket.opens();
  await Promise.all([early, late, client.hub.opened()]);
});

test('opened rejects when it has ended for good', async (t) => {
  const client = fakeClient(t);
  client.hub.start();
  const waiting = client.hub.opened();
  client.socket.ends(3500, 'go away');
  for (const promise of [waiting, client.hub.opened()]) {
    await assert.rejects(promise, (error) => {
      assert.ok(error instanceof HubClosedError);
      assert.deepEqual([error.code, error.reason, error.name],
        [3500, 'go away', 'HubClosedError']);
      assert.match(error.message, /ended for good: 3500, go away/);
      return true;
    });
  }

  client.hub.start();
  const again = client.hub.opened();
  client.hub.stop();
  await assert.rejects(again, { code: 1000, reason: 'stopped' });
});

// Close codes. ----------------------------------------------------------------

test('a code says whether to come back', (t) => {
  const finals = (code) => code === 1008 ||
    (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000);
  for (const code of [
    1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012,
    1013, 1014, 1015, 3000, 3499, 3500, 3999, 4000, 4499, 4500, 4999,
  ]) {
    const client = openClient(t);
    client.socket.ends(code, 'why');
    assert.equal(client.hub.state, finals(code) ? 'closed' : 'waiting', code);
    assert.deepEqual([client.last.code, client.last.reason], [code, 'why']);
    assert.equal(shouldReconnect(code), !finals(code));
    client.clock.pass(client.last.delayMs ?? 10 ** 7);
    assert.equal(client.sockets.length, finals(code) ? 1 : 2);
  }
});

test('an end for good is one also with a hint, and before it was open', (t) => {
  const client = fakeClient(t);
  client.hub.start();
  client.socket.ends(3999, 'retry-after-ms=1');
  assert.deepEqual(client.said, ['connecting', 'closed']);
});

test('a program may decide otherwise', (t) => {
  const asked = [];
  const client = openClient(t, {
    shouldReconnect: (code, reason) => {
      asked.push([code, reason]);
      return code === 1008;
    },
  });
  client.socket.ends(1008, 'token expired');
  assert.equal(client.hub.state, 'waiting');
  client.comeBack();
  client.socket.ends();
  assert.equal(client.hub.state, 'closed');
  assert.deepEqual(asked, [[1008, 'token expired'], [1006, '']]);
});

test('a decision that throws is reported, and the default holds', (t) => {
  const reports = [];
  const failure = new Error('undecided');
  const client = openClient(t, {
    shouldReconnect: () => {
      throw failure;
    },
    onError: (...values) => reports.push(values),
  });
  client.socket.ends(1001);
  assert.equal(client.hub.state, 'waiting');
  assert.deepEqual(reports, [[failure, { source: 'shouldReconnect' }]]);
});

// Handlers. -------------------------------------------------------------------

test('messages go to the handlers of their type, and to those of all', (t) => {
  const client = openClient(t);
  const heard = [];
  client.hub.on('note', (payload, message, text) =>
    heard.push(['note', payload, message, text]));
  client.hub.on('other', () => heard.push(['other']));
  client.hub.on('*', (payload, message) =>
    heard.push(['*', payload, message.type]));
  const text = '{"type":"note", "payload":12345678901234567890,"n":1}';
  client.socket.gets(text);
  client.socket.gets({ type: '*', payload: 'star' });
  client.socket.gets({ type: 'constructor', payload: null });
  assert.deepEqual(heard, [
    ['note', 12345678901234567890, JSON.parse(text), text],
    ['*', 12345678901234567890, 'note'],
    ['*', 'star', '*'],
    ['*', null, 'constructor'],
  ]);
});

test('handlers stay through reconnects', (t) => {
  const client = openClient(t);
  const heard = [];
  client.hub.on('note', (payload) => heard.push(payload));
  for (let i = 0; i < 5; i++) {
    client.socket.gets(note(i));
    client.socket.ends();
    client.comeBack();
    client.socket.opens();
  }
  assert.deepEqual(heard, [0, 1, 2, 3, 4]);
});

test('each registration is one call, and is removed by itself', (t) => {
  const client = openClient(t);
  const heard = [];
  const handler = (payload) => heard.push(payload);
  const offs = [client.hub.on('note', handler), client.hub.on('note', handler)];
  client.socket.gets(note(1));
  assert.equal(offs[0](), undefined);
  offs[0]();
  client.socket.gets(note(2));
  offs[1]();
  client.socket.gets(note(3));
  assert.deepEqual(heard, [1, 1, 2]);
});

test('a message goes to those who were there when it came', (t) => {
  const client = openClient(t);
  const heard = [];
  client.hub.on('note', () => {
    client.hub.on('note', () => heard.push('added'));
    offLater();
  });
  const offLater = client.hub.on('note', () => heard.push('removed'));
  client.hub.on('note', () => heard.push('last'));
  client.socket.gets(note(1));
  assert.deepEqual(heard, ['last']);
});

test('a handler that throws stops nobody else', async (t) => {
  const failure = new Error('mine');
  const reports = [];
  const client = openClient(t, {
    onError: (...values) => reports.push(values),
  });
  const heard = [];
  client.hub.on('note', () => {
    throw failure;
  });
  client.hub.on('note', async () => {
    throw failure;
  });
  client.hub.on('note', (payload) => heard.push(payload));
  client.hub.on('*', (payload) => heard.push(payload));
  client.hub.onState(() => {
    throw failure;
  });
  client.socket.gets(note(1));
  client.socket.ends();
  assert.equal(client.hub.state, 'waiting');
  assert.deepEqual(heard, [1, 1]);
  await new Promise(setImmediate);
  const context = { source: 'handler', message: note(1) };
  assert.deepEqual(reports, [
    [failure, context],
    [failure, { source: 'state' }],
    [failure, context],
  ]);
});

// Instead of ending the process.
function uncaught(t) {
  const errors = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => errors.push(error));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener);
  });
  return errors;
}

test('without onError, the platform hears what a handler throws', async (t) => {
  const errors = uncaught(t);
  const client = openClient(t);
  const failure = new Error('mine');
  const heard = [];
  client.hub.on('note', () => {
    throw failure;
  });
  client.hub.on('note', (payload) => heard.push(payload));
  client.socket.gets(note(1));
  assert.deepEqual([heard, errors], [[1], []]);
  await new Promise(setImmediate);
  assert.deepEqual(errors, [failure]);

  globalThis.reportError = (error) => errors.push(['reported', error]);
  t.after(() => delete globalThis.reportError);
  client.socket.gets(note(2));
  assert.deepEqual(errors.slice(1), [['reported', failure]]);
});

test('an onError that throws is heard of as well', async (t) => {
  const errors = uncaught(t);
  const failure = new Error('in onError');
  const client = openClient(t, {
    onError: () => {
      throw failure;
    },
  });
  client.socket.gets('{');
  await new Promise(setImmediate);
  assert.deepEqual(errors, [failure]);
  assert.equal(client.hub.state, 'open');
});

test('a frame that is no message is reported and nothing else', (t) => {
  const reports = [];
  const client = openClient(t, {
    onError: (...values) => reports.push(values),
  });
  const heard = [];
  client.hub.on('*', (payload) => heard.push(payload));
  const frames = [
    '', '{', 'null', '1', '"note"', '[]', '{}', '{"type":null}', '{"type":1}',
    Buffer.from('{"type":"note","payload":1}'),
  ];
  for (const frame of frames) {
    client.socket.onmessage({ data: frame });
    assert.equal(reports.at(-1)[0] instanceof Error, true);
    assert.deepEqual(reports.at(-1)[1], { source: 'frame', data: frame });
  }
  assert.equal(reports.length, frames.length);
  client.socket.gets(note(1));
  assert.deepEqual(heard, [1]);
  assert.equal(client.hub.state, 'open');
});

test('without onError a frame that is no message is a warning', (t) => {
  const warned = t.mock.method(console, 'warn', () => {});
  const client = openClient(t);
  client.socket.gets('{');
  assert.equal(warned.mock.callCount(), 1);
  assert.match(String(warned.mock.calls[0].arguments[0]), /hub-client/);
});
