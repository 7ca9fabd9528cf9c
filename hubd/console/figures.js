// figures.js - what hubd reports: its state, plots of the last minutes, totals.
import { announce, byId, element } from './dom.js';
import { Plot } from './plot.js';
import { poll } from './poll.js';
import { isRestart, ratesBetween } from './rates.js';
import {
  ceiling,
  count,
  countCeiling,
  duration,
  rate,
  size,
  sizeCeiling,
} from './units.js';

const PLOTS = [
  {
    title: 'Connected now',
    format: count,
    ceiling: countCeiling,
    series: [
      { name: 'connections', label: 'connections' },
      { name: 'users', label: 'users' },
      { name: 'sessions', label: 'sessions' },
    ],
    from: ({ stats }) => stats,
  },
  {
    title: 'Messages a second',
    format: rate,
    ceiling,
    series: [
      { name: 'messages_out', label: 'delivered' },
      { name: 'messages_in', label: 'from clients' },
    ],
    from: (reply, rates) => rates,
  },
  {
    title: 'Bytes a second',
    format: size,
    ceiling: sizeCeiling,
    series: [
      { name: 'bytes_out', label: 'delivered' },
      { name: 'bytes_in', label: 'from clients' },
    ],
    from: (reply, rates) => rates,
  },
];

const TOTALS = [
  ['Messages delivered', 'messages_out', count],
  ['Messages from clients', 'messages_in', count],
  ['Connections so far', 'opened', count],
  ['Too slow, closed', 'slow_closed', count],
  ['Messages dropped', 'dropped', count],
  ['Waiting in memory', 'memory_bytes', size],
];

function makeTotals() {
  return TOTALS.map(([label, name, format]) => {
    const value = element('dd', {}, '–');
    byId('totals').append(element('div', {}, element('dt', {}, label), value));
    return (stats) => {
      value.textContent = format(stats[name]);
    };
  });
}

// Shows hubd's state in the header; only changes are announced.
function show(state, text) {
  const shown = byId('hub');
  if (shown.dataset.state !== state) announce(`hubd: ${text}`);
  shown.dataset.state = state;
  byId('hub-text').textContent = text;
}

function describeSilence(why, sinceMs) {
  if (why === 'status 404') return 'hubd is running, but its console is now off';
  if (why.startsWith('status '))
    return `hubd answers with ${why}; trying again`;
  return `hubd has been gone for ${duration(sinceMs)}; trying again`;
}

// Calls `onPorts(ports)` for each answer: hubd's ports, or undefined if there is
// only one.
export function showFigures(url, onPorts) {
  const plots = PLOTS.map((description) => {
    const plot = new Plot(description);
    byId('plots').append(plot.root);
    return { plot, from: description.from };
  });
  const totals = makeTotals();
  let before = null;

  const pushAll = (reply, rates) => {
    const at = performance.now() / 1000;
    for (const { plot, from } of plots)
      plot.add(at, reply && from(reply, rates));
  };

  poll(url, {
    onReply(reply) {
      onPorts(reply.ports);
      const up = `up ${duration(reply.uptime_ms)}`;
      if (before && isRestart(before, reply)) {
        announce('hubd was restarted');
        before = null;
      }
      if (reply.status === 'draining')
        show('draining', 'shutting down: no new connections');
      else show('healthy', `running · ${up}`);
      pushAll(reply, ratesBetween(before, reply) ?? undefined);
      for (const total of totals) total(reply.stats);
      before = reply;
    },
    onSilence(why, sinceMs) {
      show('gone', describeSilence(why, sinceMs));
      pushAll(null);
    },
    onPause() {
      before = null;
    },
  });
}
