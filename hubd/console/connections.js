// connections.js - the form that connects, and the list of connections.
import { Connection, nameOf } from './connection.js';
import { announce, byId, markInvalid } from './dom.js';

const CONNECTIONS_MAX = 20;
const COLOURS = 8;

// By the names that errors begin with.
const FIELDS = {
  userId: 'connect-user',
  sessionId: 'connect-session',
  token: 'connect-token',
};

function refuse(text, field) {
  const shown = byId('connect-error');
  shown.textContent = text;
  shown.hidden = text === '';
  for (const id of Object.values(FIELDS)) markInvalid(byId(id), id === field);
  if (text !== '') announce(text);
  if (field) byId(field).focus();
}

// The name of a connection on this page; duplicates get a number.
function makeLabel(name, taken) {
  let label = name;
  for (let number = 2; taken.has(label); number++) label = `${name} #${number}`;
  return label;
}

// `findUrl()` resolves to the URL that clients connect to.
export function offerConnections(messages, findUrl) {
  const list = byId('connections');
  const connections = new Map(); // by label
  let made = 0;

  function remove(connection) {
    const row = connection.root;
    const near = row.nextElementSibling ?? row.previousElementSibling;
    connection.stop();
    connections.delete(connection.label);
    messages.withdraw(connection);
    row.remove();
    announce(`${connection.label} was removed`);
    (near?.querySelector('button') ?? byId('connect-user')).focus();
  }

  byId('connect').addEventListener('submit', async (event) => {
    event.preventDefault();
    const url = await findUrl();
    const user = byId('connect-user').value;
    const session = byId('connect-session').value;
    const credential = byId('connect-token').value.trim();
    const label = makeLabel(nameOf(user || 'token', session), connections);
    if (connections.size >= CONNECTIONS_MAX) {
      refuse(`No more than ${CONNECTIONS_MAX} at once: remove one first.`);
      return;
    }
    try {
      const connection = new Connection(
        {
          id: String(made),
          colour: made % COLOURS,
          label,
          user,
          session,
          credential,
          url,
        },
        { onMessage: (entry) => messages.add(entry), onRemove: remove },
      );
      made++;
      connections.set(label, connection);
      refuse('');
      list.append(connection.root);
      messages.offer(connection);
      connection.start();
    } catch (error) {
      refuse(`${error.message}.`, FIELDS[error.message.split(' ')[0]]);
    }
  });

  // Browsers keep pages that were left, and their sockets with them: these
  // would count as connected users.
  window.addEventListener('pagehide', () => {
    for (const connection of connections.values()) connection.leave();
  });
  window.addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    for (const connection of connections.values()) connection.comeBack();
  });
}
