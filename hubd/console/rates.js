// rates.js - what happened between two looks at the counters of hubd, by its
// own clock.
const COUNTERS = ['messages_in', 'messages_out', 'bytes_in', 'bytes_out'];

export function isRestart(before, after) {
  return after.uptime_ms < before.uptime_ms;
}

// A second's worth of each counter; null where there is no telling.
export function ratesBetween(before, after) {
  const seconds = before && (after.uptime_ms - before.uptime_ms) / 1000;
  if (!before || !(seconds > 0)) return null;
  return Object.fromEntries(
    COUNTERS.map((name) => [
      name,
      Math.max(0, after.stats[name] - before.stats[name]) / seconds,
    ]),
  );
}
