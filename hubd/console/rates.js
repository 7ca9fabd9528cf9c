// rates.js - rates between two readings of hubd's counters, by hubd's own
// clock.
const COUNTERS = ['messages_in', 'messages_out', 'bytes_in', 'bytes_out'];

export function isRestart(before, after) {
  return after.uptime_ms < before.uptime_ms;
}

// The rate of each counter per second; null if it is unknown.
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
