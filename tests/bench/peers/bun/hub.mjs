// hub.mjs - the hub's contract over Bun.serve(), as a Bun programmer would
// write it: one process, a topic that everybody is subscribed to and broadcasts
// are published on, sets of sockets in maps for the rest. HTTP, WebSockets and
// topics come from uWebSockets, which Bun is built on; it pings, and drops
// clients for which a megabyte waits. Bun raises the soft limit of descriptors
// by itself.
//   HUB_API_KEY=… bun hub.mjs PORT
import { timingSafeEqual } from 'node:crypto';
import { isMessage, memberText } from '../message.mjs';

const QUEUE_BYTES = 1024 * 1024;
const MAX_BODY = 516 * 1024;
const IDLE_SECONDS = 41; // a ping goes out 16 s before: after 25 s of silence
const EVERYBODY = 'all';

const port = Number(process.argv[2]);
const key = Buffer.from(process.env.HUB_API_KEY ?? '');
if (!port || key.length === 0) {
  console.error('hub.mjs: HUB_API_KEY=… bun hub.mjs PORT');
  process.exit(64);
}

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

// Clients.

const websocket = {
  perMessageDeflate: false,
  backpressureLimit: QUEUE_BYTES,
  closeOnBackpressureLimit: true,
  idleTimeout: IDLE_SECONDS,
  sendPings: true,
  open(socket) {
    const { user, session } = socket.data;
    socket.subscribe(EVERYBODY);
    join(users, user, socket);
    if (session) join(sessions, session, socket);
  },
  message() {},
  close(socket) {
    leave(users, socket.data.user, socket);
    leave(sessions, socket.data.session, socket);
  },
};

function connect(request) {
  const query = new URL(request.url).searchParams;
  const data = { user: query.get('userId'), session: query.get('sessionId') };
  if (data.user && server.upgrade(request, { data })) return undefined;
  return refuse(400, 'not a WebSocket handshake, or no userId');
}

// Backends.

function broadcast(text) {
  if (!isMessage(JSON.parse(text))) return -1;
  server.publish(EVERYBODY, text);
  return server.subscriberCount(EVERYBODY);
}

function send(text) {
  const { targetUserId, targetSessionId, message } = JSON.parse(text);
  if (!isMessage(message) || !(targetUserId || targetSessionId)) return -1;
  const own = memberText(text, 'message');
  const ofUser = users.get(targetUserId);
  let count = 0;
  for (const socket of ofUser ?? []) if (socket.send(own) !== 0) count++;
  for (const socket of sessions.get(targetSessionId) ?? [])
    if (!ofUser?.has(socket) && socket.send(own) !== 0) count++;
  return count;
}

const refuse = (status, message) =>
  Response.json({ status: 'error', message }, { status });

function isAuthorized(request) {
  const given = Buffer.from(request.headers.get('x-api-key') ?? '');
  return given.length === key.length && timingSafeEqual(given, key);
}

const taking = (act) => async (request) => {
  if (!isAuthorized(request)) return refuse(401, 'unauthorized');
  const text = await request.text();
  let recipients = -1;
  try {
    recipients = act(text);
  } catch {
    // not JSON
  }
  if (recipients < 0) return refuse(400, 'not a message, or no target');
  return Response.json({ status: 'success', message: 'sent', recipients });
};

const health = () =>
  Response.json({
    status: 'healthy',
    stats: {
      total_users: users.size,
      total_connections: server.subscriberCount(EVERYBODY),
      total_sessions: sessions.size,
    },
  });

const server = Bun.serve({
  hostname: '127.0.0.1',
  port,
  maxRequestBodySize: MAX_BODY,
  idleTimeout: 60,
  routes: {
    '/ws': connect,
    '/health': health,
    '/api/broadcast': { POST: taking(broadcast) },
    '/api/send': { POST: taking(send) },
  },
  fetch: () => refuse(404, 'not found'),
  websocket,
});
