// messages.js - the newest messages of all connections. However many arrive,
// the page is updated once per animation frame, and only with those that will
// be seen.
import { byId, element } from './dom.js';
import { messageRow } from './message_row.js';
import { KEPT_MAX, KEPT_TEXT_MAX, keptOf } from './newest.js';
import { count } from './units.js';

function newest(entries) {
  const kept = keptOf(entries.map(({ text }) => text.length));
  return entries.slice(entries.length - kept);
}

export class Messages {
  #list = byId('messages');
  #count = byId('messages-count');
  #pause = byId('pause');
  #filter = byId('filter');
  #shown = []; // lengths of what is in the page, oldest first
  #waiting = []; // not in the page yet
  #waitingText = 0;
  #received = 0;
  #missed = 0; // while it was paused
  #frame = 0;
  #changed = new Set(); // connections whose count is not shown yet

  constructor() {
    this.#pause.addEventListener('click', () => this.#togglePause());
    byId('clear').addEventListener('click', () => this.#clear());
    this.#filter.addEventListener('change', () => this.#applyFilter());
  }

  get #isPaused() {
    return this.#pause.getAttribute('aria-pressed') === 'true';
  }

  add(entry) {
    this.#received++;
    this.#changed.add(entry.connection);
    if (this.#isPaused) this.#missed++;
    this.#waiting.push(entry);
    this.#waitingText += entry.text.length;
    // There are no animation frames while the tab is hidden.
    if (
      this.#waiting.length > 2 * KEPT_MAX ||
      this.#waitingText > 2 * KEPT_TEXT_MAX
    ) {
      this.#waiting = newest(this.#waiting);
      this.#waitingText = this.#waiting.reduce(
        (sum, { text }) => sum + text.length,
        0,
      );
    }
    this.#schedule();
  }

  #schedule() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#show();
    });
  }

  #show() {
    for (const connection of this.#changed) connection.showCount();
    this.#changed.clear();
    if (!this.#isPaused) {
      const entries = newest(this.#takeWaiting());
      const rows = entries.map(messageRow).reverse();
      this.#hideOthers(rows);
      this.#list.prepend(...rows);
      this.#shown.push(...entries.map(({ text }) => text.length));
      this.#trim();
    }
    byId('welcome').hidden = this.#received > 0;
    this.#tell();
  }

  #takeWaiting() {
    this.#waitingText = 0;
    return this.#waiting.splice(0);
  }

  #trim() {
    const scroll = byId('messages-scroll');
    const kept = keptOf(this.#shown);
    this.#shown.splice(0, this.#shown.length - kept);
    while (this.#list.children.length > kept) {
      const last = this.#list.lastElementChild;
      if (last.contains(document.activeElement)) scroll.focus();
      last.remove();
    }
  }

  #tell() {
    const shown = this.#list.children.length;
    let text =
      this.#received === 0 ? 'none yet' : `${count(this.#received)} received`;
    if (this.#isPaused) text += `, paused: ${count(this.#missed)} since`;
    else if (this.#received > 0 && this.#filter.value !== '') {
      const others = this.#list.querySelectorAll(':scope > [hidden]').length;
      text += `, ${count(shown - others)} shown`;
    } else if (this.#received > shown && shown > 0)
      text += `, newest ${count(shown)} shown`;
    this.#count.textContent = text;
  }

  #togglePause() {
    const pause = !this.#isPaused;
    this.#pause.setAttribute('aria-pressed', String(pause));
    this.#missed = 0;
    this.#schedule();
  }

  #clear() {
    this.#takeWaiting();
    this.#shown.length = 0;
    this.#received = 0;
    this.#missed = 0;
    this.#list.replaceChildren();
    this.#schedule();
  }

  #hideOthers(rows) {
    const wanted = this.#filter.value;
    for (const row of rows)
      row.hidden = wanted !== '' && row.dataset.connection !== wanted;
  }

  #applyFilter() {
    this.#hideOthers(this.#list.children);
    this.#tell();
  }

  offer(connection) {
    this.#filter.append(
      element('option', { value: connection.id }, `to ${connection.label}`),
    );
  }

  withdraw(connection) {
    const wanted = this.#filter.value;
    for (const option of [...this.#filter.options])
      if (option.value === connection.id) option.remove();
    if (wanted === connection.id) this.#applyFilter();
  }
}
