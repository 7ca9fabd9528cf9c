// JSON as it was written: only white space may change.
import assert from 'node:assert/strict';
import test from 'node:test';

import {
  format,
  payloadText,
  problem,
  tokens,
} from '../../hubd/console/json_text.js';

test('tokens are the text without the space between them', () => {
  const text = ' {"a\\"b" : [1.10, -2e+5,true ,null], "s":"x y"}\n';
  const found = tokens(text);
  assert.deepEqual(
    found.map(({ kind, text: part }) => `${kind} ${part}`),
    [
      'mark {', 'name "a\\"b"', 'mark :', 'mark [', 'number 1.10', 'mark ,',
      'number -2e+5', 'mark ,', 'word true', 'mark ,', 'word null', 'mark ]',
      'mark ,', 'name "s"', 'mark :', 'string "x y"', 'mark }',
    ],
  );
  for (const { at, text: part } of found)
    assert.equal(text.slice(at, at + part.length), part);
});

test('what is no JSON has no tokens and stays as it is', () => {
  for (const text of ["{'a':1}", '{"a":"', '{"a":1} // no', '\u00a0{}']) {
    assert.equal(tokens(text), null, text);
    assert.equal(format(text), text);
  }
});

test('numbers, escapes and names given twice are laid out as written', () => {
  const text =
    '{"n":12345678901234567890,"p":1.10,"u":"\\u00e9\\/","n":1e400}';
  assert.equal(
    format(text),
    '{\n  "n": 12345678901234567890,\n  "p": 1.10,\n' +
      '  "u": "\\u00e9\\/",\n  "n": 1e400\n}',
  );
});

test('objects and lists without members stay on their line', () => {
  assert.equal(
    format('{"a":{},"b":[ ],"c":[{"d":[1,[]]}]}'),
    '{\n  "a": {},\n  "b": [],\n  "c": [\n    {\n      "d": [\n' +
      '        1,\n        []\n      ]\n    }\n  ]\n}',
  );
});

test('what is laid out has the same value, and laying out again changes nothing', () => {
  const text = JSON.stringify({ a: [1, { b: 'x: {,}[]"\\' }], c: null, d: '' });
  assert.deepEqual(JSON.parse(format(text)), JSON.parse(text));
  assert.equal(format(format(text)), format(text));
});

test('space within strings is no space between tokens', () => {
  assert.equal(format('"  a\\n  b  "'), '"  a\\n  b  "');
});

test('a thousand levels and a string of a megabyte are laid out', () => {
  const deep = '['.repeat(1000) + ']'.repeat(1000);
  assert.equal(format(deep).replaceAll(/\s/g, ''), deep);
  const long = `{"s":"${'x\\"'.repeat(350_000)}"}`;
  assert.equal(tokens(long).length, 5);
});

test('the payload is found as it was written', () => {
  for (const [text, payload] of [
    ['{"type":"t","payload":1.10}', '1.10'],
    ['{"payload" : {"payload":[1, 2]} ,"type":"t"}', '{"payload":[1, 2]}'],
    ['{"x":{"payload":1},"payload":"a,}"}', '"a,}"'],
    ['{"\\u0070ayload":null,"type":"t"}', 'null'],
    ['{"payload":[]}', '[]'],
    ['{"type":"payload"}', null],
    ['[{"payload":1}]', null],
    ['nonsense', null],
  ])
    assert.equal(payloadText(text), payload, text);
});

test('what hubd would refuse has a problem, and nothing else has', () => {
  for (const text of [
    '{"type":"t","payload":null}',
    ' {"payload":[],"type":"t","more":1} ',
  ])
    assert.equal(problem(text), null, text);
  for (const [text, words] of [
    ['', /^not JSON: /],
    ['{"type":"t","payload":01}', /^not JSON: /],
    ['[]', /object/],
    ['null', /object/],
    ['"t"', /object/],
    ['{"payload":1}', /"type"/],
    ['{"type":"","payload":1}', /"type"/],
    ['{"type":1,"payload":1}', /"type"/],
    ['{"type":"t"}', /"payload"/],
    ['{"type":"t","payload":"\ud800"}', /surrogate/],
  ])
    assert.match(problem(text) ?? 'none', words, text);
});
