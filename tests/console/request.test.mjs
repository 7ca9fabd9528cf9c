// What is posted, and the same as a shell command, which a real shell reads
// here.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';

import {
  curlLine,
  makeRequest,
  shellWord,
} from '../../hubd/console/request.js';

const MESSAGE = '{ "type":"t",\n "payload": 12345678901234567890 }';

test('a message to everybody is posted as it is', () => {
  assert.deepEqual(makeRequest(null, MESSAGE), {
    path: 'api/broadcast',
    body: MESSAGE,
  });
});

test('a message to some stands in the body as it is', () => {
  for (const [user, session, ids] of [
    ['ada', '', '"targetUserId":"ada",'],
    ['', 's', '"targetSessionId":"s",'],
    ['a"b\\', 'é', '"targetUserId":"a\\"b\\\\","targetSessionId":"é",'],
    ['', '', ''],
  ]) {
    const { path, body } = makeRequest({ user, session }, MESSAGE);
    assert.equal(path, 'api/send');
    assert.equal(body, `{${ids}"message":${MESSAGE}}`);
  }
});

// What a shell makes of the line, word by word.
function wordsOf(line) {
  const script = `curl() { printf '%s\\0' "$@"; }\n${line}`;
  const out = execFileSync('sh', ['-c', script], {
    env: { KEY: 'k e y' },
    encoding: 'utf8',
  });
  return out.split('\0').slice(0, -1);
}

test('a shell reads the command as it was meant', () => {
  const url = 'http://127.0.0.1:8081/api/broadcast';
  for (const body of [
    MESSAGE,
    `it's '$(echo no)' "$HOME" \`id\` \\ \\n !! %s * ~`,
    '@/etc/passwd',
    "'",
    '',
  ])
    assert.deepEqual(wordsOf(curlLine(url, body)), [
      '-sS', '--noproxy', '*', '-H', 'X-API-Key: k e y', '-H',
      'Content-Type: application/json', '--data-raw', body, url,
    ]);
});

test('only what TLS hides may go by a proxy', () => {
  assert.match(curlLine('http://10.0.0.1/', '{}'), /^curl -sS --noproxy '\*' /);
  assert.doesNotMatch(curlLine('https://hub.example/', '{}'), /proxy/);
});

test('the key itself is never part of the command', () => {
  assert.match(curlLine('http://x/', '{}'), /"X-API-Key: \$KEY"/);
  assert.equal(shellWord("a'b"), "'a'\\''b'");
});
