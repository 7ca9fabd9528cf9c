// Many clients of the `ws` package at once: each counts the messages it gets;
// one JSON line when all are open, one when all are closed.
//   node many.mjs URL COUNT
import WebSocket from 'ws';

const [url, count] = [process.argv[2], Number(process.argv[3])];
const report = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const received = new Array(count).fill(0);
const codes = {};
let open = 0;
let closed = 0;

for (let i = 0; i < count; i++) {
  const socket = new WebSocket(`${url}?userId=user${i}`);
  socket.on('open', () => {
    if (++open === count) report({ event: 'open' });
  });
  socket.on('message', () => received[i]++);
  socket.on('error', (error) =>
    report({ event: 'error', text: String(error.message) }));
  socket.on('close', (code) => {
    codes[code] = (codes[code] ?? 0) + 1;
    if (++closed === count) report({ event: 'closed', codes, received });
  });
}
