// history.js - the samples of the last minutes: what a plot draws. A sample
// without values, or a longer silence, leaves a gap.

export const WINDOW_S = 180;
const GAP_S = 3; // no line across longer gaps: the tab was hidden

export class History {
  #samples = []; // { at, values }, oldest first; `at` in seconds

  add(at, values = null) {
    this.#samples.push({ at, values });
    while (at - this.#samples[0].at > WINDOW_S) this.#samples.shift();
  }

  get last() {
    return this.#samples.at(-1)?.values ?? null;
  }

  // The values that many seconds before the last sample, or close to it.
  before(seconds) {
    const wanted = this.#now - seconds;
    const distance = ({ at }) => Math.abs(at - wanted);
    const near = this.#samples.reduce(
      (best, sample) => (distance(sample) < distance(best) ? sample : best),
      { at: Infinity },
    );
    return distance(near) <= GAP_S / 2 ? (near.values ?? null) : null;
  }

  largest(names) {
    const seen = this.#samples.flatMap(({ values }) =>
      values ? names.map((name) => values[name]) : [],
    );
    return Math.max(0, ...seen);
  }

  // The parts of a line between its gaps: lists of [seconds before the last
  // sample, value].
  parts(name) {
    const parts = [];
    let last = null;
    for (const { at, values } of this.#samples) {
      if (!values) {
        last = null;
        continue;
      }
      if (last === null || at - last > GAP_S) parts.push([]);
      parts.at(-1).push([this.#now - at, values[name]]);
      last = at;
    }
    return parts;
  }

  get #now() {
    return this.#samples.at(-1)?.at ?? 0;
  }
}
