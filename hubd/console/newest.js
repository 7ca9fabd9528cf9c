// newest.js - how many messages a page keeps, limited by count and by text
// size.
export const KEPT_MAX = 500;
export const KEPT_TEXT_MAX = 16 * 1024 * 1024; // UTF-16 units of them all

// How many of the last of these texts are kept, given their lengths, oldest
// first: at least the last one.
export function keptOf(lengths, countMax = KEPT_MAX, textMax = KEPT_TEXT_MAX) {
  let kept = 0;
  let text = 0;
  while (kept < Math.min(lengths.length, countMax)) {
    text += lengths[lengths.length - 1 - kept];
    if (text > textMax && kept > 0) break;
    kept++;
  }
  return kept;
}
