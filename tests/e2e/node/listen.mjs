// One client of the `ws` package. Reports its events as JSON lines:
//   node listen.mjs URL [send-on-open]
import WebSocket from 'ws';

const [url, text] = process.argv.slice(2);
const report = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const socket = new WebSocket(url);

socket.on('open', () => {
  if (text) socket.send(text);
  report({ event: 'open', protocol: socket.protocol });
});
socket.on('message', (data, isBinary) =>
  report({ event: 'message', text: data.toString(), isBinary }));
socket.on('ping', () => report({ event: 'ping' }));
socket.on('close', (code, reason) =>
  report({ event: 'close', code, reason: reason.toString() }));
socket.on('unexpected-response', (_, response) => {
  report({ event: 'refused', status: response.statusCode });
  process.exit(0);
});
socket.on('error', (error) =>
  report({ event: 'error', text: String(error.message) }));

process.stdin.on('data', (line) => {
  const command = line.toString().trim();
  if (command === 'close') socket.close(1000, 'done');
  if (command === 'ping') {
    socket.once('pong', (data) =>
      report({ event: 'pong', text: data.toString() }));
    socket.ping('here');
  }
});
socket.on('close', () => process.stdin.destroy());
