// hubd.mjs - a hubd for one test, on a port that it can come back to, and the
// backend's calls.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { missing } from './packages.mjs';

const BINARY = process.env.HUBD ??
  fileURLToPath(new URL('../../../build/dev/hubd/hubd', import.meta.url));
const KEY = 'k'.repeat(32);

// Below the ports that the kernel gives to those who connect: nobody takes it
// while hubd is away, and nobody who calls there meets himself.
const FIRST_PORT = 20000;
const LAST_PORT = 32000;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Waits until condition() is true, and returns what it returned.
export async function until(condition, what, ms = 20000) {
  const end = performance.now() + ms;

  for (;;) {
    const result = await condition();
    if (result) return result;
    if (performance.now() > end) throw new Error(`not in ${ms} ms: ${what}`);
    await pause(10);
  }
}

export const withoutHubd = missing('hubd', BINARY);

async function isFree(port) {
  const server = createServer();

  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

async function freePort() {
  for (;;) {
    const port = FIRST_PORT +
      Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await isFree(port)) return port;
  }
}

export class Hubd {
  #process;
  #settings;
  #lines = [];

  // Ends with the test.
  static async start(t, settings = {}) {
    const hub = new Hubd();

    hub.port = await freePort();
    hub.#settings = settings;
    t.after(() => hub.kill());
    await hub.start();
    return hub;
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  // Again, on the same port.
  async start() {
    this.#process = spawn(BINARY, [], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PORT: String(this.port),
        HUB_BIND: '127.0.0.1',
        HUB_API_KEY: KEY,
        ...this.#settings,
      },
    });
    const lines = createInterface({ input: this.#process.stderr });
    const listening = new Promise((resolve) => {
      lines.on('line', (line) => {
        this.#lines.push(line);
        if (line.includes('event=listening')) resolve();
      });
    });
    const exited = once(this.#process, 'exit').then(() => {
      throw new Error(`hubd ended:\n${this.#lines.slice(-10).join('\n')}`);
    });
    await Promise.race([listening, exited]);
  }

  async #signal(name) {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null)
      return;
    const exited = once(this.#process, 'exit');
    this.#process.kill(name);
    await exited;
  }

  async drain() {
    await this.#signal('SIGTERM');
    if (this.#process.exitCode !== 0)
      throw new Error(`hubd exited with ${this.#process.exitCode}`);
  }

  kill() {
    return this.#signal('SIGKILL');
  }

  // Stops it in its tracks: nothing is answered, and nothing is closed.
  freeze() {
    this.#process.kill('SIGSTOP');
  }

  thaw() {
    this.#process.kill('SIGCONT');
  }

  async #post(path, body) {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method: 'POST',
      headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
      body,
    });
    const answer = await response.json();
    if (response.status !== 200) throw new Error(JSON.stringify(answer));
    return answer;
  }

  // How many got it.
  async send(targetUserId, message) {
    const body = JSON.stringify({ targetUserId, message });
    return (await this.#post('/api/send', body)).recipients;
  }

  // `text` is posted as it is.
  async broadcast(text) {
    return (await this.#post('/api/broadcast', text)).recipients;
  }

  async issueTicket(asked) {
    return (await this.#post('/api/tickets', JSON.stringify(asked))).ticket;
  }

  get log() {
    return this.#lines.join('\n');
  }

  async connections() {
    const response = await fetch(`http://127.0.0.1:${this.port}/health`);
    return (await response.json()).stats.total_connections;
  }

  waitForConnections(count) {
    return until(async () => (await this.connections()) === count,
      `${count} connections`);
  }
}
