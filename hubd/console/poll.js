// poll.js - asks hubd for its figures once a second while the tab is visible.
// It never gives up: a hub that is gone may come back.
const EVERY_MS = 1000;
const PATIENCE_MS = 4000;

async function fetchFigures(url, signal) {
  const reply = await fetch(url, { cache: 'no-store', signal });
  if (!reply.ok) throw new Error(`status ${reply.status}`);
  return reply.json();
}

// Calls `onReply(figures)` for each answer, `onSilence(why, sinceMs)` if there
// was none, and `onPause()` when the tab is hidden.
export function poll(url, { onReply, onSilence, onPause }) {
  let timer = 0;
  let request = null; // null: paused
  let answered = 0;

  async function ask() {
    const mine = new AbortController();
    const late = setTimeout(() => mine.abort(), PATIENCE_MS);
    let figures = null;
    let why = '';
    request = mine;
    try {
      figures = await fetchFigures(url, mine.signal);
    } catch (error) {
      why = error.message;
    }
    clearTimeout(late);
    if (request !== mine) return;
    timer = setTimeout(ask, EVERY_MS);
    if (figures) {
      answered = performance.now();
      onReply(figures);
    } else {
      onSilence(why, performance.now() - answered);
    }
  }

  function start() {
    if (request !== null) return;
    answered = performance.now();
    ask();
  }

  function stop() {
    clearTimeout(timer);
    request?.abort();
    request = null;
    onPause();
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) stop();
    else start();
  });
  if (!document.hidden) start();
}
