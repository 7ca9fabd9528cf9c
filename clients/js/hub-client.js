// hub-client.js - a client of hubd that stays connected.
//
// At most one call (a WebSocket, or an attempt to open one) is current; events
// of earlier ones are ignored. So stop() takes effect at once, and nothing has
// to be unhooked from a socket that is slow to close. One timer serves all
// states: it bounds an attempt, watches an open connection, or ends a wait.
// Handlers belong to the client and outlive every connection.
import {
  checkCredential, Controls, isControl, isRepeating, MS_MAX, now, offers,
  parseFrame, PROTOCOL, retryAfterMs, shouldReconnect, UNAUTHORIZED,
} from './hub-protocol.js';

export { shouldReconnect };

const DEFAULTS = Object.freeze({
  baseDelayMs: 1000,
  maxDelayMs: 30000,
  stableMs: 10000,
  maxHintMs: 600000,
  connectTimeoutMs: 20000,
  idleTimeoutMs: 0,
});

const CAN_BE_ZERO = new Set(['stableMs', 'connectTimeoutMs', 'idleTimeoutMs']);
const ID_BYTES_MAX = 256;
const PAUSE_MS = 1000; // a timer this late: the machine or page was suspended
const LAST_WORD_MS = 1000; // for the close event after an error
const ABNORMAL = 1006; // what browsers report if no Close frame came
const ANY_TYPE = '*';

// Sources of errors that are not the program's fault.
const WARNED_OF = new Set(['frame', 'token', 'ticket']);

const PROTOCOLS = new Map([
  ['http:', 'ws:'],
  ['https:', 'wss:'],
  ['ws:', 'ws:'],
  ['wss:', 'wss:'],
]);

export class HubClosedError extends Error {
  constructor({ code, reason, error }) {
    const why = error ? error.message : `${code}${reason && `, ${reason}`}`;
    super(`the connection to the hub has ended for good: ${why}`);
    this.name = 'HubClosedError';
    this.code = code;
    this.reason = reason;
    if (error) this.cause = error;
  }
}

// Errors go where the platform reports those of event handlers. --------------

function throwLater(error) {
  if (typeof globalThis.reportError === 'function') {
    globalThis.reportError(error);
  } else {
    const later = globalThis.queueMicrotask ?? setTimeout;
    later(() => {
      throw error;
    });
  }
}

// Options and the URL. -------------------------------------------------------

// The length in bytes of UTF-8 of a text without unpaired surrogates.
function utf8Length(text) {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0);
    bytes += 1 + (code >= 0x80) + (code >= 0x800) + (code >= 0x10000);
  }
  return bytes;
}

function checkId(name, id) {
  if (typeof id !== 'string')
    throw new TypeError(`${name} must be a string, not ${typeof id}`);
  let problem;
  if (id === '') problem = 'is empty';
  else if (/\p{Surrogate}/u.test(id))
    problem = 'contains an unpaired surrogate';
  else if (/\p{Control}/u.test(id)) problem = 'contains a control character';
  else if (utf8Length(id) > ID_BYTES_MAX)
    problem = `is longer than ${ID_BYTES_MAX} bytes of UTF-8`;
  if (problem) throw new RangeError(`${name} ${problem}`);
}

function checkTime(name, value) {
  const least = CAN_BE_ZERO.has(name) ? 0 : 1;
  if (typeof value !== 'number')
    throw new TypeError(`${name} must be a number, not ${typeof value}`);
  if (!(value >= least && value <= MS_MAX))
    throw new RangeError(
      `${name} must be from ${least} to ${MS_MAX}, not ${value}`,
    );
}

const mustBe = (type) => (name, value) => {
  if (typeof value !== type)
    throw new TypeError(`${name} must be a ${type}, not ${typeof value}`);
};
const checkFunction = mustBe('function');

function checkToken(name, value) {
  if (typeof value !== 'function') checkCredential(name, value);
}

const CHECKS = new Map([
  ['userId', checkId],
  ['sessionId', checkId],
  ['token', checkToken],
  ['ticket', checkFunction], // it is good for one connection
  ['controls', mustBe('boolean')],
  ['WebSocket', checkFunction],
  ['shouldReconnect', checkFunction],
  ['onError', checkFunction],
  ...Object.keys(DEFAULTS).map((name) => [name, checkTime]),
]);

// Fills in defaults; null counts as absent.
function readOptions(given) {
  if (typeof given !== 'object' || given === null)
    throw new TypeError('the second argument must be an object with a userId');
  const options = { controls: false, ...DEFAULTS };
  for (const [name, value] of Object.entries(given)) {
    const check = CHECKS.get(name);
    if (!check) throw new TypeError(`unknown option '${name}'`);
    if (value === undefined || value === null) continue;
    check(name, value);
    options[name] = value;
  }
  const { token, ticket, userId } = options;
  if (token !== undefined && ticket !== undefined)
    throw new TypeError('token and ticket exclude each other');
  if (token !== undefined || ticket !== undefined) options.controls = true;
  if (userId === undefined && !options.controls)
    throw new TypeError('userId is missing');
  return Object.freeze(options);
}

// The base of relative URLs; undefined outside of pages.
const pageUrl = () =>
  globalThis.document?.baseURI ?? globalThis.location?.href;

// The URL of the WebSocket. What is already in the query stays as it is
// written, since a proxy may have signed it.
function socketUrl(url, { userId, sessionId }) {
  const base = pageUrl();
  let parsed;
  try {
    parsed = new URL(url, base);
  } catch {
    const hint = base ? '' : '; a relative URL needs a page as its base';
    throw new TypeError(`'${url}' is not a URL${hint}`);
  }
  const protocol = PROTOCOLS.get(parsed.protocol);
  if (!protocol)
    throw new TypeError(`'${url}' is not http, https, ws or wss`);
  for (const name of ['userId', 'sessionId']) {
    if (parsed.searchParams.has(name))
      throw new TypeError(`${name} is an option, not a part of the URL`);
  }
  parsed.protocol = protocol;
  parsed.hash = '';
  for (const [name, id] of [['userId', userId], ['sessionId', sessionId]]) {
    if (id !== undefined)
      parsed.search +=
        `${parsed.search ? '&' : '?'}${name}=${encodeURIComponent(id)}`;
  }
  return parsed.href;
}

// Pages are also rendered on servers, where a relative URL means nothing yet.
function canBeChecked(url) {
  if (typeof url === 'function' || typeof URL !== 'function') return false;
  return pageUrl() !== undefined || /^[a-z][a-z0-9+.-]*:/i.test(url);
}

// Handlers by key. A list is replaced, never changed, so that one that is being
// iterated over stays as it was.
class Handlers {
  #lists = new Map();

  add(key, handler) {
    checkFunction('the handler', handler);
    const entry = { handler };
    this.#lists.set(key, [...(this.#lists.get(key) ?? []), entry]);
    return () => {
      entry.handler = null;
      const rest = this.#lists.get(key)?.filter((other) => other !== entry);
      if (rest?.length) this.#lists.set(key, rest);
      else this.#lists.delete(key);
    };
  }

  // `failed` gets what handlers throw, at once or from promises.
  call(key, values, failed) {
    for (const entry of this.#lists.get(key) ?? []) {
      try {
        const result = entry.handler?.(...values);
        if (typeof result?.then === 'function') result.then(undefined, failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}

export class HubClient {
  static defaults = DEFAULTS;

  #url;
  #options;
  #WebSocket;
  #handlers = new Handlers();
  #stateHandlers = new Handlers();
  #state = 'idle';
  #news = []; // states that handlers have not heard of yet
  #telling = false;
  #waiters = []; // of opened()
  #ended = null; // the detail of 'closed'
  #call = null; // the current one, while connecting or open
  #attempt = 0; // attempts in a row without a connection that lasted
  #timer;
  #dueMs = 0; // when a wait is over
  #notBeforeMs = 0; // what the hub asked for; never cut short

  constructor(url, options) {
    this.#options = readOptions(options);
    this.#url = url;
    if (canBeChecked(url)) socketUrl(url, this.#options);
  }

  get state() {
    return this.#state;
  }

  // The hub's hello on the open connection.
  get hello() {
    return this.#call?.hello ?? null;
  }

  on(type, handler) {
    if (typeof type !== 'string' || type === '')
      throw new TypeError('the type must be a non-empty string');
    return this.#handlers.add(type, handler);
  }

  onState(handler) {
    return this.#stateHandlers.add('', handler);
  }

  start() {
    if (this.#state !== 'idle' && this.#state !== 'closed') return;
    this.#WebSocket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (typeof this.#WebSocket !== 'function')
      throw new TypeError(
        'there is no WebSocket here: pass one as the option WebSocket, ' +
          'such as the one from the npm package ws',
      );
    if (typeof URL !== 'function')
      throw new TypeError('there is no URL here, which is needed to connect');
    if (typeof this.#url !== 'function') socketUrl(this.#url, this.#options);
    this.#attempt = 0;
    globalThis.addEventListener?.('online', this.#onOnline);
    globalThis.document?.addEventListener?.(
      'visibilitychange', this.#onVisible,
    );
    this.#connect();
  }

  stop() {
    if (this.#state !== 'closed') this.#end({ code: 1000, reason: 'stopped' });
  }

  opened() {
    if (this.#state === 'open') return Promise.resolve();
    if (this.#state === 'closed')
      return Promise.reject(new HubClosedError(this.#ended));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  // Calls. -------------------------------------------------------------------

  #connect() {
    const { connectTimeoutMs } = this.#options;
    const call = {
      socket: null,
      error: null,
      openedMs: null,
      heardMs: null,
      pardonedMs: -Infinity, // when its silence was last blamed on a pause
      askedMs: -Infinity, // when it was last asked whether it is there
      controls: null, // if it speaks hub.v1
      hello: null,
    };

    this.#attempt++;
    this.#call = call;
    clearTimeout(this.#timer);
    if (connectTimeoutMs > 0)
      this.#setTimer(connectTimeoutMs, () =>
        this.#lose(call, {
          error: new Error(`no answer within ${connectTimeoutMs} ms`),
        }),
      );
    this.#become('connecting', { attempt: this.#attempt });
    if (call !== this.#call) return; // a handler has stopped it
    const { token, ticket } = this.#options;
    if ([this.#url, token, ticket].some((part) => typeof part === 'function'))
      this.#prepare(call);
    else this.#dial(call, socketUrl(this.#url, this.#options), token);
  }

  async #prepare(call) {
    const { token, ticket } = this.#options;
    try {
      const url = socketUrl(
        typeof this.#url === 'function' ? await this.#url() : this.#url,
        this.#options,
      );
      if (call !== this.#call) return;
      const credential = typeof (token ?? ticket) === 'function'
        ? await this.#askFor(call, ticket ? 'ticket' : 'token')
        : token;
      if (call === this.#call) this.#dial(call, url, credential);
    } catch (error) {
      this.#lose(call, { error });
    }
  }

  async #askFor(call, name) {
    try {
      const credential = await this.#options[name]();
      checkCredential(`what the function ${name} returns`, credential);
      return credential;
    } catch (error) {
      if (call === this.#call) this.#report(error, { source: name });
      throw error;
    }
  }

  #dial(call, url, credential) {
    let socket;
    try {
      socket = new this.#WebSocket(url, ...offers(this.#options, credential));
    } catch (error) {
      // Nothing was attempted: a policy of the page forbids it, and always
      // will.
      this.#end({ code: ABNORMAL, reason: '', error });
      this.#report(error, { source: 'connect' });
      return;
    }
    call.socket = socket;
    socket.onopen = () => this.#greet(call);
    socket.onmessage = ({ data }) => this.#receive(call, data);
    // Browsers do not say what went wrong, other platforms do.
    socket.onerror = ({ error, message }) =>
      this.#fail(call, error ?? (message ? new Error(message) : null));
    socket.onclose = ({ code, reason }) =>
      this.#lose(call, { code, reason, error: call.error });
    // The package ws reports pings, which are signs of life.
    socket.on?.('ping', () => {
      call.heardMs = now();
    });
  }

  // With hub.v1, a client is admitted only once the hub's hello arrives:
  // rejected clients can connect too, to be told why.
  #greet(call) {
    if (call !== this.#call) return;
    const { socket } = call;
    const { controls, token } = this.#options;
    // Some platforms connect even if the hub has selected no subprotocol.
    if (!controls || (socket.protocol ?? PROTOCOL) !== PROTOCOL) {
      this.#open(call);
      return;
    }
    call.controls = new Controls({
      send: (text) => socket.send(text),
      backOffMs: (failures) => this.#backOffMs(failures),
      report: (error) => this.#report(error, { source: 'token' }),
      askForToken:
        typeof token === 'function' ? () => this.#askFor(call, 'token') : null,
    });
  }

  #control(call, frame) {
    call.controls.receive(frame);
    if (frame.hub !== 'hello' || call.hello) return;
    const { hub, ...hello } = frame;
    call.hello = Object.freeze(hello);
    this.#open(call);
  }

  #open(call) {
    call.openedMs = call.heardMs = now();
    clearTimeout(this.#timer);
    if (this.#options.idleTimeoutMs > 0) this.#watch(call, call.heardMs);
    for (const { resolve } of this.#waiters.splice(0)) resolve();
    const { hello } = call;
    this.#become('open', { attempt: this.#attempt, ...(hello && { hello }) });
  }

  // Gives up a connection that is silent for too long; with hub.v1, pings the
  // hub after half of that time. After the page or process was suspended, what
  // arrived meanwhile is still unread: then it waits once more.
  #watch(call, dueMs) {
    const { idleTimeoutMs } = this.#options;
    const patienceMs = call.controls ? idleTimeoutMs / 2 : idleTimeoutMs;

    this.#setTimer(dueMs - now(), () => {
      if (now() - call.heardMs < patienceMs) {
        this.#watch(call, call.heardMs + patienceMs);
      } else if (call.controls && call.askedMs <= call.heardMs) {
        call.askedMs = now();
        call.controls.ping();
        this.#watch(call, now() + patienceMs);
      } else if (now() - dueMs > PAUSE_MS && call.heardMs >= call.pardonedMs) {
        call.pardonedMs = now();
        this.#watch(call, now() + idleTimeoutMs);
      } else {
        this.#lose(call, {
          error: new Error(`nothing received for ${idleTimeoutMs} ms`),
        });
      }
    });
  }

  #receive(call, data) {
    let message;

    if (call !== this.#call) return;
    call.heardMs = now();
    try {
      message = parseFrame(data, call.controls);
    } catch (error) {
      this.#report(error, { source: 'frame', data });
      return;
    }
    if (call.controls && isControl(message)) {
      this.#control(call, message);
      return;
    }
    const values = [message.payload, message, data];
    const failed = (error) =>
      this.#report(error, { source: 'handler', message });
    this.#handlers.call(message.type, values, failed);
    if (message.type !== ANY_TYPE)
      this.#handlers.call(ANY_TYPE, values, failed);
  }

  // After a failed attempt, the close event follows its error at once and adds
  // nothing, or never comes, as in Node 22. After the error of an open
  // connection it may carry a code.
  #fail(call, error) {
    if (call !== this.#call) return;
    call.error = error;
    this.#setTimer(call.openedMs === null ? 0 : LAST_WORD_MS, () =>
      this.#lose(call, { error }),
    );
  }

  #hangUp() {
    const call = this.#call;

    clearTimeout(this.#timer);
    this.#call = null;
    call?.controls?.end();
    call?.socket?.close(1000); // nothing happens if it is closed already
  }

  // Between calls. -----------------------------------------------------------

  #lose(call, { code = ABNORMAL, reason = '', error }) {
    if (call !== this.#call) return;
    this.#hangUp();
    if (call.openedMs !== null && !isRepeating(code) &&
        now() - call.openedMs >= this.#options.stableMs)
      this.#attempt = 0;

    const end = { code, reason, ...(error && { error }) };
    if (!this.#mayReconnect(code, reason)) {
      this.#end(end);
      return;
    }
    const hintMs = retryAfterMs(reason);
    const hinted = hintMs !== null;
    const leastMs = hinted ? Math.min(hintMs, this.#options.maxHintMs) : 0;
    // The hub has already spread out the clients that were connected; those
    // that it has turned away repeatedly spread out by themselves.
    const delayMs =
      hinted && this.#attempt === 0
        ? leastMs
        : Math.max(leastMs, this.#backOffMs(this.#attempt));
    this.#notBeforeMs = now() + leastMs;
    this.#dueMs = now() + delayMs;
    this.#sleep();
    this.#become('waiting', {
      attempt: this.#attempt, delayMs, hinted, ...end,
    });
  }

  #mayReconnect(code, reason) {
    const { shouldReconnect: decide, token } = this.#options;
    try {
      if (decide) return decide(code, reason);
    } catch (error) {
      this.#report(error, { source: 'shouldReconnect' });
    }
    // A constant token would be rejected again.
    if (code === UNAUTHORIZED && typeof token === 'string') return false;
    return shouldReconnect(code);
  }

  // Full jitter: clients that lost the same hub come back evenly spread.
  #backOffMs(failures) {
    const { baseDelayMs, maxDelayMs } = this.#options;
    const doublings = Math.max(0, failures - 1);

    return Math.floor(
      Math.random() * Math.min(maxDelayMs, baseDelayMs * 2 ** doublings),
    );
  }

  // Timers may fire slightly early, and in hidden pages late.
  #sleep() {
    this.#setTimer(this.#dueMs - now(), () => {
      if (now() < this.#dueMs) this.#sleep();
      else this.#connect();
    });
  }

  #onOnline = () => {
    if (this.#state !== 'waiting') return;
    this.#attempt = 0;
    this.#dueMs = Math.max(this.#notBeforeMs, now());
    if (now() >= this.#dueMs) this.#connect();
    else this.#sleep();
  };

  #onVisible = () => {
    if (this.#state === 'waiting' && now() >= this.#dueMs) this.#connect();
  };

  #setTimer(ms, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, Math.max(0, Math.ceil(ms)));
  }

  // What the outside hears. --------------------------------------------------

  #end(detail) {
    this.#hangUp();
    globalThis.removeEventListener?.('online', this.#onOnline);
    globalThis.document?.removeEventListener?.(
      'visibilitychange', this.#onVisible,
    );
    this.#ended = detail;
    for (const { reject } of this.#waiters.splice(0))
      reject(new HubClosedError(detail));
    this.#become('closed', { attempt: this.#attempt, ...detail });
  }

  // All handlers see all states in the same order, even when one of them causes
  // the next state.
  #become(state, detail) {
    this.#state = state;
    this.#news.push([state, Object.freeze(detail)]);
    if (this.#telling) return;
    this.#telling = true;
    while (this.#news.length > 0) {
      const values = this.#news.shift();
      this.#stateHandlers.call('', values, (error) =>
        this.#report(error, { source: 'state' }),
      );
    }
    this.#telling = false;
  }

  #report(error, context) {
    const { onError } = this.#options;

    try {
      if (onError) onError(error, context);
      else if (WARNED_OF.has(context.source))
        console.warn(`hub-client: ${context.source}:`, error);
      else throwLater(error);
    } catch (failure) {
      throwLater(failure);
    }
  }
}
