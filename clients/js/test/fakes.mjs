// fakes.mjs - a clock that the test moves, and sockets that do what it tells
// them.
import { HubClient } from '../hub-client.js';

// Stands in for timers, the monotonic clock and chance until the test ends.
export class FakeClock {
  nowMs = 5000;
  fraction = 0.5; // what Math.random() returns
  #timers = new Map();
  #lastId = 0;

  constructor(t) {
    t.mock.method(globalThis, 'setTimeout', (action, ms = 0) => {
      this.#timers.set(++this.#lastId, { action, dueMs: this.nowMs + ms });
      return this.#lastId;
    });
    t.mock.method(globalThis, 'clearTimeout', (id) => this.#timers.delete(id));
    t.mock.method(performance, 'now', () => this.nowMs);
    t.mock.method(Math, 'random', () => this.fraction);
  }

  get timers() {
    return this.#timers.size;
  }

  // Lets time go by, with all timers that are due in it, in their order.
  pass(ms) {
    const endMs = this.nowMs + ms;

    for (;;) {
      const [next] = [...this.#timers].sort(
        ([, a], [, b]) => a.dueMs - b.dueMs,
      );
      if (!next || next[1].dueMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, next[1].dueMs);
      this.#timers.delete(next[0]);
      next[1].action();
    }
    this.nowMs = endMs;
  }

  // The whole process sleeps: what was due in the meantime is late by that.
  sleep(ms) {
    this.nowMs += ms;
    this.pass(0);
  }

  // The next timer fires, though it is not time yet.
  fireEarly(byMs) {
    const [[id, { action, dueMs }]] = this.#timers;

    this.#timers.delete(id);
    this.nowMs = dueMs - byMs;
    action();
  }
}

// A class of sockets that know what was done to them.
export function fakeWebSocket() {
  return class FakeWebSocket {
    static all = [];
    static get last() {
      return this.all.at(-1);
    }

    closedWith = [];
    sent = []; // parsed

    constructor(...values) {
      [this.url, this.protocols] = values;
      this.values = values;
      this.constructor.all.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close(code) {
      this.closedWith.push(code);
    }

    opens() {
      this.onopen({});
    }

    gets(message) {
      const data =
        typeof message === 'object' ? JSON.stringify(message) : message;
      this.onmessage({ data });
    }

    ends(code = 1006, reason = '') {
      if (code === 1006) this.onerror({});
      this.onclose({ code, reason });
    }
  };
}

// A client with fake time and fake sockets, and what it has said of its states.
export function fakeClient(t, options = {}, url = 'ws://hub.test/ws') {
  const clock = new FakeClock(t);
  const WebSocket = fakeWebSocket();
  const hub = new HubClient(url, { userId: 'ada', WebSocket, ...options });
  const states = [];

  hub.onState((state, detail) => states.push({ state, ...detail }));
  t.after(() => hub.stop());
  return {
    clock,
    hub,
    sockets: WebSocket.all,
    states,
    get socket() {
      return WebSocket.last;
    },
    get said() {
      return states.map(({ state }) => state);
    },
    get last() {
      return states.at(-1);
    },
    // The wait is over: the next try begins.
    comeBack() {
      clock.pass(states.at(-1).delayMs);
    },
    // The try succeeds, and the connection lasts.
    openAndLast() {
      WebSocket.last.opens();
      clock.pass(HubClient.defaults.stableMs);
    },
  };
}

export function openClient(t, options) {
  const client = fakeClient(t, options);

  client.hub.start();
  client.socket.opens();
  return client;
}
