// request.js - what is posted to hubd for a message, byte for byte, and the
// same as a shell command.

// `target` is { user, session }, with '' for an id that is not given, or null
// for everybody.
export function makeRequest(target, message) {
  if (target === null) return { path: 'api/broadcast', body: message };
  const ids = [
    ['targetUserId', target.user],
    ['targetSessionId', target.session],
  ].filter(([, id]) => id !== '');
  const members = ids.map(([name, id]) => `"${name}":${JSON.stringify(id)},`);
  return {
    path: 'api/send',
    body: `{${members.join('')}"message":${message}}`,
  };
}

// In single quotes a shell changes nothing.
export function shellWord(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// --data-raw, because --data reads a file where the text begins with an @. A
// proxy set in the shell's environment would see the key, unless TLS hides it.
export function curlLine(url, body) {
  const past = url.startsWith('https:') ? '' : " --noproxy '*'";
  return [
    `curl -sS${past} -H "X-API-Key: $KEY"`,
    "-H 'Content-Type: application/json'",
    `--data-raw ${shellWord(body)}`,
    shellWord(url),
  ].join(' \\\n  ');
}
