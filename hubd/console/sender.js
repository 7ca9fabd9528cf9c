// sender.js - the form that posts as a backend does. The key stays in its
// field: it goes into a request header and is never stored.
import { copy } from './copy.js';
import { announce, byId, element, markInvalid } from './dom.js';
import { format, problem } from './json_text.js';
import { curlLine, makeRequest } from './request.js';
import { plural } from './units.js';

const NO_TLS =
  ' But this page was loaded without TLS: the key can be read on its way.';

const message = byId('send-message');

function target() {
  if (byId('send').elements.to.value === 'all') return null;
  return { user: byId('send-user').value, session: byId('send-session').value };
}

function currentRequest() {
  const { path, body } = makeRequest(target(), message.value);
  return { url: new URL(path, document.baseURI).href, body };
}

// Updates what depends on the input: the verdict on the message, and the
// command.
function refresh() {
  const found = problem(message.value);
  const shown = byId('message-problem');
  const { url, body } = currentRequest();

  shown.textContent = found ?? '';
  shown.hidden = found === null;
  markInvalid(message, found !== null);
  byId('send-button').textContent = found === null ? 'Send' : 'Send anyway';
  byId('curl').textContent = curlLine(url, body);
  for (const field of document.querySelectorAll('.target'))
    field.hidden = target() === null;
}

// hubd's answer in words.
function summarize(answer) {
  if (answer?.status === 'success') {
    const { recipients } = answer;
    const note = recipients === 0 ? ': no recipient is connected' : '';
    return `${answer.message}, ${plural(recipients, 'recipient')}${note}`;
  }
  if (typeof answer?.message === 'string')
    return `${answer.code}: ${answer.message}`;
  return 'is not an answer from hubd';
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function show({ good, status, words, text, ms }) {
  const shown = byId('answer');
  const head = element(
    'p',
    {},
    element('b', { class: good ? 'code good' : 'code' }, status),
    ` ${words} `,
    ms === undefined
      ? ''
      : element('span', { class: 'muted' }, `${Math.round(ms)} ms`),
  );
  shown.replaceChildren(head, ...(text ? [element('pre', {}, text)] : []));
  shown.hidden = false;
  shown.scrollIntoView({ block: 'nearest' });
  announce(`${status} ${words}`);
}

// Answers to earlier requests are ignored.
let asked = 0;

async function send() {
  const { url, body } = currentRequest();
  const mine = ++asked;
  const began = performance.now();
  try {
    const reply = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-API-Key': byId('send-key').value,
      },
      body,
      cache: 'no-store',
      credentials: 'omit',
    });
    const text = await reply.text();
    if (mine !== asked) return;
    show({
      good: reply.ok,
      status: reply.status,
      words: summarize(parse(text)),
      text,
      ms: performance.now() - began,
    });
  } catch (error) {
    if (mine !== asked) return;
    show({
      good: false,
      status: 'No answer',
      words: `from hubd: ${error.message}`,
    });
  }
}

function toggleKey() {
  const key = byId('send-key');
  const isShown = key.type === 'password';
  key.type = isShown ? 'text' : 'password';
  byId('show-key').setAttribute('aria-pressed', String(isShown));
  byId('show-key').textContent = isShown ? 'Hide' : 'Show';
}

export function offerSending() {
  const form = byId('send');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  form.addEventListener('input', refresh);
  message.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  byId('format').addEventListener('click', () => {
    message.value = format(message.value);
    refresh();
  });
  byId('show-key').addEventListener('click', toggleKey);
  byId('copy-curl').addEventListener('click', (event) =>
    copy(byId('curl').textContent, event.currentTarget),
  );
  if (!isSecureContext) byId('key-hint').textContent += NO_TLS;
  refresh();
}
