// units.js - figures for people. Sizes are powers of 1024, as in the settings
// of hubd.
const grouped = new Intl.NumberFormat('en-US');
const SIZES = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

export function count(value) {
  return grouped.format(Math.round(value));
}

// About three digits; whole numbers from a hundred up.
export function rate(value) {
  if (value === 0 || value >= 100) return count(value);
  return String(Number(value.toFixed(value >= 10 ? 1 : 2)));
}

export function size(bytes) {
  let unit = 0;
  while (bytes >= 1024 && unit < SIZES.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${rate(bytes)} ${SIZES[unit]}`;
}

export function duration(ms) {
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400)
    return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

// The local time of day, to the millisecond.
export function clock(date) {
  const digits = (value, width) => String(value).padStart(width, '0');
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const time = parts.map((part) => digits(part, 2)).join(':');
  return `${time}.${digits(date.getMilliseconds(), 3)}`;
}

export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

function leastStep(value, steps) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return steps.map((step) => step * power).find((end) => end >= value);
}

// Where an axis may end: the smallest 1, 2 or 5 times a power of ten that is
// not below the value.
export function ceiling(value) {
  return leastStep(value, [1, 2, 5, 10]);
}

// The same for an axis of whole numbers, whose midpoint must be whole too.
export function countCeiling(value) {
  return leastStep(value, [2, 4, 10]);
}

// The same for sizes, in powers of 1024.
export function sizeCeiling(value) {
  const unit = value < 1024 ? 1 : 1024 ** Math.floor(Math.log2(value) / 10);
  const end = ceiling(value / unit);
  return (end > 500 ? 1024 : end) * unit;
}
