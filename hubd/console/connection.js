// connection.js - one WebSocket of this page, and its row in the list.
import { announce, button, element } from './dom.js';
import { HubClient } from './hub-client.js';
import { duration, plural } from './units.js';

function describeEnd({ code, reason }) {
  return reason ? `${code}: ${reason}` : `${code}`;
}

// The state in words; `detail` comes from HubClient. Browsers do not say why a
// connection could not be opened.
function describe(state, detail, wasOpen) {
  switch (state) {
    case 'connecting':
      return 'connecting…';
    case 'open':
      return 'connected';
    case 'waiting':
      return (
        (wasOpen ? `lost (${describeEnd(detail)})` : 'refused or unreachable') +
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
  #comesBack = false;

  // `onMessage(entry)`, `onRemove(connection)`.
  constructor(
    { id, colour, label, user, session, url },
    { onMessage, onRemove },
  ) {
    this.id = id;
    this.colour = colour;
    this.label = label;
    // Throws if an id is invalid.
    this.#client = new HubClient(url, {
      userId: user,
      sessionId: session === '' ? undefined : session,
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
    const words = describe(state, detail, this.#wasOpen);
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
