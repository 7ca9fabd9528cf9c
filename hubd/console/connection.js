// connection.js - one WebSocket of this page, and its row in the list.
import { announce, button, element } from './dom.js';
import { HubClient, shouldReconnect } from './hub-client.js';
import { duration, plural } from './units.js';

// The code of browsers if there is no other: hubd is down, the request is
// invalid, or a proxy rejects it.
const NOT_TOLD = 1006;
const UNAUTHORIZED = 3000;

// Tickets have a prefix, tokens do not.
function showing(credential) {
  if (credential === '') return {};
  if (/^hubt_[\w-]+$/.test(credential)) return { ticket: () => credential };
  return { token: credential };
}

function describeEnd({ code, reason }) {
  return reason ? `${code}: ${reason}` : `${code}`;
}

function describeFailure(detail, wasOpen) {
  if (wasOpen) return `lost (${describeEnd(detail)})`;
  if (detail.code === NOT_TOLD) return 'refused or unreachable';
  return `refused (${describeEnd(detail)})`;
}

// A user and a session as text, where '' is no session.
export function nameOf(user, session) {
  return session ? `${user} · ${session}` : user;
}

// The state in words; `detail` comes from HubClient.
function describe(state, detail, wasOpen, claimed) {
  switch (state) {
    case 'connecting':
      return 'connecting…';
    case 'open': {
      const { hello } = detail;
      const name = hello && nameOf(hello.userId, hello.sessionId);
      return hello && name !== claimed ? `connected as ${name}` : 'connected';
    }
    case 'waiting':
      return (
        describeFailure(detail, wasOpen) +
        `, next try in ${duration(detail.delayMs + 999)}`
      );
    case 'closed':
      return detail.code === 1000
        ? 'disconnected'
        : `closed for good (${describeEnd(detail)})`;
    default:
      return 'not connected';
  }
}

export class Connection {
  #client;
  #state = element('span', {}, 'not connected');
  #count = element('span', {}, ', no messages');
  #toggle = button('Disconnect', () => this.#switch());
  #received = 0;
  #announced = 'idle';
  #wasOpen = false; // before the current attempt
  #claimed; // the ids that were typed in
  #comesBack = false;

  // `onMessage(entry)`, `onRemove(connection)`.
  constructor(
    { id, colour, label, user, session, credential, url },
    { onMessage, onRemove },
  ) {
    this.id = id;
    this.colour = colour;
    this.label = label;
    this.#claimed = nameOf(user, session);
    // Throws if an id or a token is invalid.
    this.#client = new HubClient(url, {
      userId: user === '' && credential !== '' ? undefined : user,
      sessionId: session === '' ? undefined : session,
      ...showing(credential),
      controls: true,
      // The same token or ticket would be rejected again.
      shouldReconnect: (code) =>
        code !== UNAUTHORIZED && shouldReconnect(code),
      onError: (error, { source, data }) => {
        if (source === 'frame')
          this.#receive(
            { type: null, text: String(data), problem: error.message },
            onMessage,
          );
        else if (source !== 'connect') throw error;
      },
    });
    this.#client.on('*', (payload, message, text) =>
      this.#receive({ type: message.type, text }, onMessage),
    );
    this.#client.onState((state, detail) => this.#show(state, detail));
    this.root = this.#makeRow(() => onRemove(this));
  }

  start() {
    this.#client.start();
  }

  // When the page is left, but may be returned to.
  leave() {
    this.#comesBack = this.#client.state !== 'closed';
    this.#client.stop();
  }

  comeBack() {
    if (this.#comesBack) this.#client.start();
  }

  // Called once per animation frame, not once per message.
  showCount() {
    this.#count.textContent = `, ${plural(this.#received, 'message')}`;
  }

  #makeRow(remove) {
    return element(
      'li',
      { 'data-state': 'idle' },
      element('span', { class: `tag tag-${this.colour}` }, this.label),
      element(
        'span',
        { class: 'actions' },
        this.#toggle,
        button('Remove', remove, { 'aria-label': `Remove ${this.label}` }),
      ),
      element(
        'p',
        { class: 'state' },
        element('span', {}, this.#state, this.#count),
      ),
    );
  }

  #receive({ type, text, problem }, onMessage) {
    this.#received++;
    onMessage({ connection: this, at: new Date(), type, text, problem });
  }

  #show(state, detail) {
    const words = describe(state, detail, this.#wasOpen, this.#claimed);
    if (state !== 'connecting') this.#wasOpen = state === 'open';
    this.root.dataset.state = state;
    this.#state.textContent = words;
    this.#toggle.textContent = state === 'closed' ? 'Connect' : 'Disconnect';
    this.#toggle.setAttribute(
      'aria-label',
      `${this.#toggle.textContent} ${this.label}`,
    );
    this.#announce(state, words);
  }

  // Attempts to reconnect are not announced one by one.
  #announce(state, words) {
    if (state === 'connecting' || state === this.#announced) return;
    this.#announced = state;
    announce(`${this.label}: ${words}`);
  }

  stop() {
    this.#client.stop();
  }

  #switch() {
    if (this.#client.state === 'closed') this.#client.start();
    else this.#client.stop();
  }
}
