// hub-protocol.js - what hubd and its clients agree on: close codes, frames and
// the subprotocol hub.v1, in which they talk about the connection itself.
// hub-client.js makes an object of class Controls for each connection that
// speaks it. Tokens are not kept, and no error shows one.

export const PROTOCOL = 'hub.v1';
export const MS_MAX = 2 ** 31 - 1; // what setTimeout takes

// hubd allows three refreshes at once, and then one every ten seconds. It ends
// the connection for good after more, so this stays below.
const AT_ONCE = 3;
const REFRESH_EVERY_MS = 12000;
const ANSWER_MS = 10000; // after that, an answer is taken for lost

// What can be a part of a subprotocol: a token of RFC 7230.
const CREDENTIAL = /^[\w!#$%&'*+.^`|~-]+$/;

// The only globals taken for granted are those of ECMAScript and timers: test
// environments and small runtimes lack some of the others.
export const now = () => globalThis.performance?.now() ?? Date.now();

// Close codes. ----------------------------------------------------------------

export const UNAUTHORIZED = 3000; // another token may be accepted
const FORBIDDEN = 3003;

// Ends that are likely to repeat: a broken frame, a hub at its limits. A
// connection that ends like this does not count as one that lasted.
const REPEATING = new Set([1002, 1003, 1007, 1009, 1010, 1011, 1013]);

export const isRepeating = (code) => REPEATING.has(code);

// Whether to reconnect after a close with this code. Not where the client
// itself was rejected: the next attempt would be too.
export function shouldReconnect(code) {
  return !(
    code === 1008 ||
    code === FORBIDDEN ||
    (code >= 3500 && code <= 3999) ||
    (code >= 4500 && code <= 4999)
  );
}

// The delay that the hub asks for when it shuts down or is full, or null.
export function retryAfterMs(reason) {
  const found = /(?:^|[;\s])retry-after-ms=(\d+)(?=$|[;\s])/.exec(reason);
  return found && Number(found[1]);
}

// Frames. ---------------------------------------------------------------------

// Messages always have a type, and control frames never.
export function isControl(frame) {
  return typeof frame?.hub === 'string' && frame.type === undefined;
}

// A message, or, where those may come, a control frame.
export function parseFrame(data, controls) {
  if (typeof data !== 'string') throw new TypeError('a frame is not text');
  const frame = JSON.parse(data);
  if (typeof frame?.type !== 'string' && !(controls && isControl(frame)))
    throw new TypeError('a frame is not an object with a type');
  return frame;
}

// hub.v1. ---------------------------------------------------------------------

// Says what is wrong without showing it.
export function checkCredential(name, value) {
  if (typeof value !== 'string')
    throw new TypeError(`${name} must be a string, not ${typeof value}`);
  if (value === '') throw new RangeError(`${name} is empty`);
  if (!CREDENTIAL.test(value))
    throw new RangeError(
      `${name} contains something other than letters, digits and ` +
        "!#$%&'*+-.^_`|~",
    );
}

// The arguments of a WebSocket behind the URL: none for a plain client.
export function offers({ controls, ticket }, credential) {
  if (!controls) return [];
  if (credential === undefined) return [[PROTOCOL]];
  return [[PROTOCOL, `hub.${ticket ? 'ticket' : 'token'}.${credential}`]];
}

// How long the token lasts is known from hello and refreshed. It is replaced
// before that, at different times by different clients, and at the latest when
// the hub says that it expires.
export class Controls {
  #host;
  #timer;
  #busy = false; // a token is asked for, or the answer to one
  #failures = 0; // in a row
  #spentMs = -Infinity; // when three refreshes at once are allowed again
  #ended = false;

  // The host has `send(text)`, `backOffMs(failures)`, `report(error)`, and
  // `askForToken()`, or null if there will be no other token. That one reports
  // what it throws.
  constructor(host) {
    this.#host = host;
  }

  receive(frame) {
    switch (frame.hub) {
      case 'hello':
      case 'refreshed':
        this.#accepted(frame.expiresInMs);
        break;
      case 'expiring':
        this.#refresh();
        break;
      case 'error':
        if (frame.for === 'refresh') this.#refused(frame.code);
        break;
      default: // a pong has said what it has to say by coming
    }
  }

  ping() {
    this.#host.send('{"hub":"ping"}');
  }

  end() {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #accepted(expiresInMs) {
    clearTimeout(this.#timer);
    this.#busy = false;
    this.#failures = 0;
    if (expiresInMs > 0)
      this.#refreshIn(expiresInMs * (0.8 + Math.random() / 10));
  }

  // The hub has not changed its mind about the token it has.
  #refused(code) {
    clearTimeout(this.#timer);
    this.#busy = false;
    if (code === 'keys_unavailable' || code === 'overloaded') this.#tryAgain();
    else this.#host.report(new Error(`the hub refused a new token: ${code}`));
  }

  #tryAgain() {
    this.#refreshIn(this.#host.backOffMs(++this.#failures));
  }

  #refreshIn(ms) {
    if (this.#ended || !this.#host.askForToken) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#busy = false;
      this.#refresh();
    }, Math.min(Math.floor(ms), MS_MAX));
  }

  async #refresh() {
    if (this.#busy || !this.#host.askForToken) return;
    const waitMs = this.#spentMs - now() - (AT_ONCE - 1) * REFRESH_EVERY_MS;
    if (waitMs > 0) {
      this.#refreshIn(waitMs);
      return;
    }
    clearTimeout(this.#timer);
    this.#busy = true;
    try {
      const token = await this.#host.askForToken();
      if (this.#ended) return;
      this.#spentMs = Math.max(this.#spentMs, now()) + REFRESH_EVERY_MS;
      this.#host.send(JSON.stringify({ hub: 'refresh', token }));
      this.#refreshIn(ANSWER_MS);
    } catch {
      this.#busy = false;
      this.#tryAgain();
    }
  }
}
