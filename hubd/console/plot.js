// plot.js - lines over the last minutes, as SVG. Lines differ in colour and
// dashes; their values are shown as text, either the current ones or those
// under the pointer.
import { element, shape } from './dom.js';
import { History, WINDOW_S } from './history.js';

const HEIGHT = 102;
const MARGIN = { top: 8, right: 10, bottom: 20, left: 46 };
const TICKS = [
  { ago: WINDOW_S, text: `−${WINDOW_S / 60} min`, anchor: 'start' },
  { ago: 120, text: '−2', anchor: 'middle' },
  { ago: 60, text: '−1', anchor: 'middle' },
  { ago: 0, text: 'now', anchor: 'end' },
];

export class Plot {
  #title;
  #series;
  #format;
  #ceiling;
  #history = new History();
  #svg = shape('svg', { role: 'img', height: HEIGHT });
  #width = 0;
  #pointed = null; // seconds ago, under the pointer

  // `series`: [{ name, label }], with the names of the values; `ceiling`
  // returns where the axis ends, given the largest value.
  constructor({ title, series, format, ceiling }) {
    this.#title = title;
    this.#format = format;
    this.#ceiling = ceiling;
    this.#series = series.map(({ name, label }, index) => ({
      name,
      label,
      line: `line-${index}`,
      value: element('b', {}, '–'),
    }));
    this.root = element(
      'figure',
      { class: 'plot' },
      element('figcaption', {}, title),
      element('ul', { class: 'legend' }, ...this.#series.map(legend)),
      this.#svg,
    );
    this.#svg.addEventListener('pointermove', ({ offsetX }) =>
      this.#point(offsetX),
    );
    this.#svg.addEventListener('pointerleave', () => this.#point(null));
    new ResizeObserver(() => this.#draw()).observe(this.root);
  }

  // `at` in seconds; without values there is a gap.
  add(at, values) {
    this.#history.add(at, values);
    this.#draw();
  }

  #draw() {
    this.#width = this.#svg.clientWidth;
    if (this.#areaWidth <= 0) return;
    const names = this.#series.map(({ name }) => name);
    const top = this.#ceiling(this.#history.largest(names));

    this.#svg.setAttribute('viewBox', `0 0 ${this.#width} ${HEIGHT}`);
    this.#svg.replaceChildren(
      ...this.#grid(top),
      ...this.#ticks(),
      ...this.#lines(top),
      ...this.#cursor(),
    );
    this.#tell(top);
  }

  get #areaWidth() {
    return this.#width - MARGIN.left - MARGIN.right;
  }

  #x(ago) {
    return (MARGIN.left + (1 - ago / WINDOW_S) * this.#areaWidth).toFixed(1);
  }

  // `part` of the height, from the bottom.
  #y(part) {
    const height = HEIGHT - MARGIN.top - MARGIN.bottom;
    return (MARGIN.top + (1 - part) * height).toFixed(1);
  }

  #grid(top) {
    const [x1, x2] = [this.#x(WINDOW_S), this.#x(0)];
    return [0, 0.5, 1].flatMap((part) => {
      const y = this.#y(part);
      const place = { x: MARGIN.left - 6, y, dy: '0.32em' };
      return [
        shape('line', { class: 'grid', x1, x2, y1: y, y2: y }),
        shape(
          'text',
          { ...place, 'text-anchor': 'end' },
          this.#format(top * part),
        ),
      ];
    });
  }

  #ticks() {
    return TICKS.map(({ ago, text, anchor }) =>
      shape(
        'text',
        { x: this.#x(ago), y: HEIGHT - 5, 'text-anchor': anchor },
        text,
      ),
    );
  }

  #lines(top) {
    return this.#series.flatMap(({ name, line }) =>
      this.#history.parts(name).map((part) => {
        const points = part.map(
          ([ago, value]) => `${this.#x(ago)},${this.#y(value / top)}`,
        );
        if (points.length === 1) points.push(points[0]); // a dot
        return shape('polyline', { class: line, points: points.join(' ') });
      }),
    );
  }

  #cursor() {
    if (this.#pointed === null) return [];
    const x = this.#x(this.#pointed);
    const [y1, y2] = [this.#y(0), this.#y(1)];
    return [shape('line', { class: 'cursor', x1: x, x2: x, y1, y2 })];
  }

  #point(x) {
    const part = x === null ? -1 : (x - MARGIN.left) / this.#areaWidth;
    this.#pointed = part < 0 || part > 1 ? null : (1 - part) * WINDOW_S;
    this.#draw();
  }

  #tell(top) {
    const values =
      this.#pointed === null
        ? this.#history.last
        : this.#history.before(this.#pointed);
    const now = this.#history.last;
    const told = this.#series.map(
      ({ name, label }) =>
        `${label} ${now ? this.#format(now[name]) : 'unknown'}`,
    );
    for (const { name, value } of this.#series)
      value.textContent = values ? this.#format(values[name]) : '–';
    this.#svg.setAttribute(
      'aria-label',
      `${this.#title} over the last ${WINDOW_S / 60} minutes, up to ` +
        `${this.#format(top)}. Now: ${told.join(', ')}.`,
    );
  }
}

function legend({ label, line, value }) {
  const sample = shape(
    'svg',
    { width: 14, height: 8, 'aria-hidden': 'true' },
    shape('line', { class: line, x1: 1, x2: 13, y1: 4, y2: 4 }),
  );
  return element('li', {}, sample, `${label} `, value);
}
