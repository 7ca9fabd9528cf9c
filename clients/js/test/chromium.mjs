// chromium.mjs - a headless browser with one page, driven by its DevTools
// protocol, and a web server for its pages. Like the proxy of a real site, the
// server passes /ws on to hubd.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

import { missing, WebSocket } from './packages.mjs';

const BINARY = (process.env.PATH ?? '').split(delimiter)
  .map((directory) => join(directory, 'chromium')).find(existsSync) ??
  'chromium';
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
  '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  '--no-proxy-server', '--remote-debugging-port=0',
];
const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript' };

export const withoutChromium = missing('chromium', BINARY);

// Serves `pages`, by path text or functions that return it, and the modules of
// this package.
export async function servePages(t, hubd, pages) {
  const files = { ...pages };
  for (const name of ['hub-client.js', 'hub-protocol.js'])
    files[`/${name}`] = await readFile(new URL(`../${name}`, import.meta.url));
  const sockets = new Set();
  const server = createServer((request, response) => {
    const path = request.url.split('?')[0];
    const file = files[path];
    const body = typeof file === 'function' ? file() : file;
    response.writeHead(body ? 200 : 404,
      { 'Content-Type': TYPES[path.split('.').pop()] ?? 'text/plain' });
    response.end(body);
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.on('upgrade', (request, socket) => {
    const behind = connect(hubd.port, '127.0.0.1');
    const headers = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2)
      headers.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    behind.write(`GET ${request.url} HTTP/1.1\r\n${headers.join('\r\n')}` +
      '\r\n\r\n');
    behind.pipe(socket).pipe(behind);
    behind.on('error', () =>
      socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'));
    socket.on('error', () => behind.destroy());
    socket.on('close', () => behind.destroy());
    behind.on('close', () => socket.destroySoon());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

// One page; it ends with the test.
export class Page {
  #socket;
  #calls = new Map();
  #lastId = 0;
  log = []; // what the browser had to say

  static async open(t, url) {
    const page = new Page();
    const profile = await mkdtemp(join(tmpdir(), 'hub-client-chromium-'));
    const process_ = spawn(BINARY,
      [...FLAGS, `--user-data-dir=${profile}/profile`, 'about:blank'],
      { stdio: ['ignore', 'ignore', 'pipe'], detached: true,
        env: { PATH: process.env.PATH, HOME: profile } });
    t.after(async () => {
      page.#socket?.terminate();
      await endGroup(process_);
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    });
    const port = await page.#listening(process_);
    const targets = await fetch(`http://127.0.0.1:${port}/json/list`);
    const { webSocketDebuggerUrl } = (await targets.json())
      .find(({ type }) => type === 'page');
    page.#socket = new WebSocket(webSocketDebuggerUrl);
    page.#socket.on('message', (data) => page.#answer(JSON.parse(data)));
    await once(page.#socket, 'open');
    await page.command('Page.navigate', { url });
    return page;
  }

  #listening(process_) {
    const lines = createInterface({ input: process_.stderr });

    return new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        this.log.push(line);
        const found = /DevTools listening on ws:\/\/[^:]*:(\d+)\//.exec(line);
        if (found) resolve(found[1]);
      });
      process_.once('exit', () =>
        reject(new Error(`chromium ended:\n${this.log.join('\n')}`)));
    });
  }

  #answer({ id, result, error }) {
    const call = this.#calls.get(id);

    if (!call) return; // an event
    this.#calls.delete(id);
    if (error) call.reject(new Error(error.message));
    else call.resolve(result);
  }

  command(method, params = {}) {
    const id = ++this.#lastId;

    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) =>
      this.#calls.set(id, { resolve, reject }));
  }

  // The value of an expression in the page, or of what it promises.
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.command(
      'Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails)
      throw new Error(exceptionDetails.exception?.description ??
        exceptionDetails.text);
    return result.value;
  }
}

// Chromium leaves processes behind that share its group.
async function endGroup(process_) {
  const exited = once(process_, 'exit');

  if (process_.exitCode !== null || process_.signalCode !== null) return;
  try {
    process.kill(-process_.pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
  await exited;
}
