// message.mjs - what a hub in JavaScript has to know about a message, whatever
// runs it: node/hub.mjs and bun/hub.mjs import it.

export const isMessage = (value) =>
  typeof value?.type === 'string' && value.type !== '' && 'payload' in value;

// Where the value of the member `name` of an object lies in its text, which is
// known to be valid: the message goes out as it came in, not as JavaScript
// would spell its numbers.
export function memberText(text, name) {
  const wanted = `"${name}"`;
  let depth = 0;
  let start = -1;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      const from = i;
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
      if (depth !== 1 || start >= 0) continue;
      if (text.slice(from, i + 1) !== wanted) continue;
      const colon = /\s*:/y;
      colon.lastIndex = i + 1;
      if (colon.test(text)) {
        start = colon.lastIndex;
        i = start - 1;
      }
    } else if (c === '{' || c === '[') {
      depth++;
    } else if (c === '}' || c === ']' || c === ',') {
      if (depth === 1 && start >= 0) return text.slice(start, i).trim();
      if (c !== ',') depth--;
    }
  }
  return undefined;
}
