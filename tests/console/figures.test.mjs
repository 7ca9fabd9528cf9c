// Rates, samples, axes and units, which the figures of the page are made of.
import assert from 'node:assert/strict';
import test from 'node:test';

import { History, WINDOW_S } from '../../hubd/console/history.js';
import { keptOf } from '../../hubd/console/newest.js';
import { isRestart, ratesBetween } from '../../hubd/console/rates.js';
import * as units from '../../hubd/console/units.js';

function reply(uptime_ms, out) {
  const stats = { messages_in: 0, messages_out: out, bytes_in: 7, bytes_out: 0 };
  return { uptime_ms, stats };
}

test('rates are by the clock of hubd', () => {
  assert.deepEqual(ratesBetween(reply(1000, 10), reply(3000, 110)), {
    messages_in: 0,
    messages_out: 50,
    bytes_in: 0,
    bytes_out: 0,
  });
});

test('there is no rate without two looks at one and the same hub', () => {
  assert.equal(ratesBetween(null, reply(1000, 10)), null);
  assert.equal(ratesBetween(reply(1000, 10), reply(1000, 20)), null);
  assert.equal(ratesBetween(reply(5000, 10), reply(100, 20)), null);
  assert.ok(isRestart(reply(5000, 10), reply(100, 20)));
  assert.ok(!isRestart(reply(100, 10), reply(5000, 10)));
});

test('a history keeps its window and no more', () => {
  const history = new History();
  for (let at = 0; at <= WINDOW_S + 10; at++) history.add(at, { a: at });
  const [part] = history.parts('a');
  assert.deepEqual(part[0], [WINDOW_S, 10]);
  assert.deepEqual(part.at(-1), [0, WINDOW_S + 10]);
  assert.equal(history.largest(['a']), WINDOW_S + 10);
});

test('a line has gaps where nobody answered and where nobody looked', () => {
  const history = new History();
  for (const [at, values] of [
    [0, { a: 1 }], [1, { a: 2 }], [2, null], [3, { a: 3 }], [20, { a: 4 }],
  ])
    history.add(at, values);
  assert.deepEqual(history.parts('a'), [
    [[20, 1], [19, 2]], [[17, 3]], [[0, 4]],
  ]);
  assert.deepEqual(history.last, { a: 4 });
  assert.deepEqual(history.before(18.8), { a: 2 });
  assert.equal(history.before(18), null);
  assert.equal(history.before(10), null);
});

test('an empty history has nothing to draw', () => {
  const history = new History();
  assert.equal(history.last, null);
  assert.equal(history.before(0), null);
  assert.equal(history.largest(['a']), 0);
  assert.deepEqual(history.parts('a'), []);
});

test('axes end at round figures', () => {
  for (const [value, end] of [
    [0, 1], [1, 1], [1.2, 2], [3, 5], [7, 10], [10, 10], [501, 1000],
    [123456, 200000],
  ])
    assert.equal(units.ceiling(value), end, value);
  for (const [value, end] of [
    [0, 2], [2, 2], [3, 4], [5, 10], [11, 20], [21, 40], [41, 100],
    [10_001, 20_000],
  ])
    assert.equal(units.countCeiling(value), end, value);
  for (const [value, end] of [
    [0, 1], [900, 1024], [500, 500], [1024, 1024], [1500, 2048],
    [700 * 1024, 1024 * 1024], [3 * 1024 ** 2, 5 * 1024 ** 2],
  ])
    assert.equal(units.sizeCeiling(value), end, value);
});

test('units are those that people read', () => {
  assert.equal(units.count(1234567), '1,234,567');
  assert.equal(units.rate(0), '0');
  assert.equal(units.rate(0.333), '0.33');
  assert.equal(units.rate(12.34), '12.3');
  assert.equal(units.rate(999.6), '1,000');
  assert.equal(units.size(0), '0 B');
  assert.equal(units.size(1023), '1,023 B');
  assert.equal(units.size(1536), '1.5 KB');
  assert.equal(units.size(5 * 1024 ** 3), '5 GB');
  assert.equal(units.duration(59_999), '59 s');
  assert.equal(units.duration(60_000), '1 min');
  assert.equal(units.duration(3_660_000), '1 h 1 min');
  assert.equal(units.duration(90_000_000), '1 d 1 h');
  assert.equal(units.clock(new Date(2026, 0, 2, 3, 4, 5, 6)), '03:04:05.006');
  assert.equal(units.plural(1, 'message'), '1 message');
  assert.equal(units.plural(0, 'message'), '0 messages');
});

test('of messages the last are kept, by count and by text', () => {
  assert.equal(keptOf([]), 0);
  assert.equal(keptOf([1, 1, 1], 2, 100), 2);
  assert.equal(keptOf([50, 50, 50], 10, 100), 2);
  assert.equal(keptOf([50, 50, 51], 10, 100), 1);
  assert.equal(keptOf([1, 1000], 10, 100), 1, 'the last one always');
});
