// message_row.js - one message as a list item: one line at first, all of it
// once it is opened.
import { copy } from './copy.js';
import { button, element } from './dom.js';
import { layOut, payloadText } from './json_text.js';
import { clock, count, size } from './units.js';

const PREVIEW_MAX = 300; // more than a line shows
const SEARCHED_MAX = 4000; // longer messages are not searched for the payload
const COLOURED_MAX = 20000; // tokens; more are too much for a page

const encoder = new TextEncoder();

function formatted(text) {
  const parts = layOut(text);
  if (parts === null || parts.length > COLOURED_MAX) return [text];
  return parts.map((part) =>
    part.kind === 'space'
      ? part.text
      : element('span', { class: part.kind }, part.text),
  );
}

function preview({ text, problem }) {
  const isSearched = !problem && text.length <= SEARCHED_MAX;
  const payload = isSearched ? payloadText(text) : null;
  return (payload ?? text).slice(0, PREVIEW_MAX);
}

function detail({ connection, at, text, problem }, bytes) {
  const shown = element('pre', {
    tabindex: '0',
    role: 'group',
    'aria-label': 'The message',
  });
  const raw = button(
    'As received',
    () => {
      const isRaw = raw.getAttribute('aria-pressed') !== 'true';
      raw.setAttribute('aria-pressed', String(isRaw));
      if (isRaw) shown.textContent = text;
      else shown.replaceChildren(...formatted(text));
    },
    { 'aria-pressed': 'false' },
  );
  const facts = `${count(bytes)} bytes, ${clock(at)}, to ${connection.label}`;

  shown.append(...formatted(text));
  return element(
    'div',
    { class: 'detail' },
    element(
      'div',
      { class: 'bar' },
      element('p', { class: 'muted' }, facts),
      raw,
      button('Copy', (event) => copy(text, event.currentTarget)),
    ),
    problem ? element('p', { class: 'error' }, problem) : '',
    shown,
  );
}

// `entry`: { connection, at, type, text, problem }.
export function messageRow(entry) {
  const { connection, at, type, text } = entry;
  const bytes = encoder.encode(text).length;
  const opened = element(
    'details',
    {},
    element(
      'summary',
      {},
      element('time', {}, clock(at)),
      element(
        'span',
        { class: `tag tag-${connection.colour}` },
        connection.label,
      ),
      element('span', { class: 'type' }, type ?? 'not a message'),
      element('span', { class: 'preview' }, preview(entry)),
      element('span', { class: 'size' }, size(bytes)),
    ),
  );
  opened.addEventListener('toggle', () => opened.append(detail(entry, bytes)), {
    once: true,
  });
  return element('li', { 'data-connection': connection.id }, opened);
}
