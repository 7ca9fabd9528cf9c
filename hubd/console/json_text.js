// json_text.js - JSON as it was written. Parsing and printing it again would
// change numbers, escapes and duplicate names; so it is cut into tokens, and
// only the white space between them changes.
const TOKEN =
  /[ \t\r\n]+|"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|-?\d[\d.eE+-]*|[a-z]+/y;
const STEP = '  ';
const STEPS_MAX = 40;

function kindOf(text) {
  const first = text[0];
  if (first === '"') return 'string';
  if ('{}[],:'.includes(first)) return 'mark';
  if (first >= 'a' && first <= 'z') return 'word';
  return first > ' ' ? 'number' : 'space';
}

// The tokens without white space; null: not JSON.
export function tokens(text) {
  const found = [];
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    if (!TOKEN.test(text)) return null;
    const token = { kind: '', text: text.slice(at, TOKEN.lastIndex), at };
    token.kind = kindOf(token.text);
    at = TOKEN.lastIndex;
    if (token.kind === 'space') continue;
    const before = found.at(-1);
    if (token.text === ':' && before?.kind === 'string') before.kind = 'name';
    found.push(token);
  }
  return found;
}

// The same tokens, laid out with one value per line; null: not JSON.
export function layOut(text) {
  const found = tokens(text);
  if (found === null) return null;
  const out = [];
  let depth = 0;
  const newLine = () =>
    out.push({
      kind: 'space',
      text: `\n${STEP.repeat(Math.min(depth, STEPS_MAX))}`,
    });

  found.forEach((token, index) => {
    const opens = token.text === '{' || token.text === '[';
    const closes = token.text === '}' || token.text === ']';
    const previous = found[index - 1]?.text;
    if (closes) {
      depth = Math.max(depth - 1, 0);
      if (previous !== '{' && previous !== '[') newLine();
    }
    out.push(token);
    const next = found[index + 1]?.text;
    if (opens) {
      depth++;
      if (next !== '}' && next !== ']') newLine();
    } else if (token.text === ',') {
      newLine();
    } else if (token.text === ':') {
      out.push({ kind: 'space', text: ' ' });
    }
  });
  return out;
}

// The text of the payload; null if there is none.
export function payloadText(text) {
  const found = tokens(text) ?? [];
  let depth = 0;
  let start = null;
  for (const [index, token] of found.entries()) {
    if (
      start !== null &&
      depth === 1 &&
      (token.text === ',' || token.text === '}')
    )
      return text.slice(start, token.at).trimEnd();
    if (token.text === '{' || token.text === '[') depth++;
    else if (token.text === '}' || token.text === ']') depth--;
    if (
      start === null &&
      depth === 1 &&
      token.kind === 'name' &&
      JSON.parse(token.text) === 'payload'
    )
      start = found[index + 2]?.at ?? text.length;
  }
  return null;
}

export function format(text) {
  return (
    layOut(text)
      ?.map((token) => token.text)
      .join('') ?? text
  );
}

// What hubd would find wrong with a message, in short; or null.
export function problem(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch (error) {
    return `not JSON: ${error.message}`;
  }
  if (message === null || typeof message !== 'object' || Array.isArray(message))
    return 'a message is an object: {…}';
  if (/\p{Surrogate}/u.test(text))
    return 'an unpaired surrogate cannot be sent as UTF-8';
  if (typeof message.type !== 'string' || message.type === '')
    return 'a message needs a "type", a non-empty string';
  if (!Object.hasOwn(message, 'payload'))
    return 'a message needs a "payload", which may be any value';
  return null;
}
