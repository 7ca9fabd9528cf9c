// hub.mjs - the hub's contract over the `ws` package, as a Node programmer
// would write it: one process, sets of sockets in maps, a heartbeat as in the
// manual of ws, and clients for which a megabyte waits are dropped. Node raises
// the soft limit of descriptors by itself.
//   HUB_API_KEY=… node hub.mjs PORT [PING-INTERVAL-MS]
import http from 'node:http';
import { timingSafeEqual } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { isMessage, memberText } from '../message.mjs';

const QUEUE_BYTES = 1024 * 1024;
const MAX_BODY = 516 * 1024;

const port = Number(process.argv[2]);
const pingInterval = Number(process.argv[3] ?? 25000);
const key = Buffer.from(process.env.HUB_API_KEY ?? '');
if (!port || key.length === 0) {
  console.error('hub.mjs: HUB_API_KEY=… node hub.mjs PORT');
  process.exit(64);
}

const clients = new Set();
const users = new Map();
const sessions = new Map();

function join(groups, name, socket) {
  const group = groups.get(name);
  if (group) group.add(socket);
  else groups.set(name, new Set([socket]));
}

function leave(groups, name, socket) {
  const group = groups.get(name);
  if (group?.delete(socket) && group.size === 0) groups.delete(name);
}

function deliver(groups, text) {
  const bytes = Buffer.from(text);
  let count = 0;
  for (const [i, group] of groups.entries()) {
    for (const socket of group ?? []) {
      if (i > 0 && groups[0]?.has(socket)) continue;
      if (socket.bufferedAmount > QUEUE_BYTES) {
        socket.terminate();
        continue;
      }
      socket.send(bytes, { binary: false });
      count++;
    }
  }
  return count;
}

// Clients.

const wss = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
});

function opened(socket, user, session) {
  socket.isAlive = true;
  clients.add(socket);
  join(users, user, socket);
  if (session) join(sessions, session, socket);
  socket.on('pong', () => (socket.isAlive = true));
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clients.delete(socket);
    leave(users, user, socket);
    leave(sessions, session, socket);
  });
}

setInterval(() => {
  for (const socket of clients) {
    if (!socket.isAlive) {
      socket.terminate();
      continue;
    }
    socket.isAlive = false;
    socket.ping();
  }
}, pingInterval);

// Backends.

function broadcast(text) {
  return isMessage(JSON.parse(text)) ? deliver([clients], text) : -1;
}

function send(text) {
  const { targetUserId, targetSessionId, message } = JSON.parse(text);
  if (!isMessage(message) || !(targetUserId || targetSessionId)) return -1;
  return deliver([users.get(targetUserId), sessions.get(targetSessionId)],
    memberText(text, 'message'));
}

function answer(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

const refuse = (response, status, message) =>
  answer(response, status, { status: 'error', message });

function isAuthorized(request) {
  const given = Buffer.from(request.headers['x-api-key'] ?? '');
  return given.length === key.length && timingSafeEqual(given, key);
}

function handle(act, text, response) {
  let recipients = -1;
  try {
    recipients = act(text);
  } catch {
    // not JSON
  }
  if (recipients < 0) refuse(response, 400, 'not a message, or no target');
  else answer(response, 200, { status: 'success', message: 'sent', recipients });
}

const routes = { '/api/broadcast': broadcast, '/api/send': send };

const server = http.createServer((request, response) => {
  if (request.url === '/health') {
    return answer(response, 200, { status: 'healthy', stats: {
      total_users: users.size,
      total_connections: clients.size,
      total_sessions: sessions.size,
    } });
  }
  const act = routes[request.url];
  if (!act || request.method !== 'POST')
    return refuse(response, 404, 'not found');
  if (!isAuthorized(request)) return refuse(response, 401, 'unauthorized');
  const chunks = [];
  let bytes = 0;
  request.on('data', (chunk) => {
    bytes += chunk.length;
    if (bytes <= MAX_BODY) chunks.push(chunk);
  });
  request.on('end', () => {
    if (bytes > MAX_BODY) refuse(response, 413, 'too large');
    else handle(act, Buffer.concat(chunks).toString(), response);
  });
});

server.on('upgrade', (request, socket, head) => {
  const { pathname, searchParams } = new URL(request.url, 'http://hub');
  const user = searchParams.get('userId');
  if (pathname !== '/ws' || !user) {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    return;
  }
  wss.handleUpgrade(request, socket, head, (ws) =>
    opened(ws, user, searchParams.get('sessionId')));
});

server.keepAliveTimeout = 60000;
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
