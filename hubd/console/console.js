// console.js - puts the parts of the page together.
import { clientsUrl } from './address.js';
import { offerConnections } from './connections.js';
import { showFigures } from './figures.js';
import { Messages } from './messages.js';
import { offerSending } from './sender.js';

// Known from the first answer on.
let learn;
const ports = new Promise((resolve) => {
  learn = resolve;
});

offerConnections(new Messages(), async () =>
  clientsUrl(document.baseURI, await ports),
);
offerSending();
showFigures(new URL('console/stats', document.baseURI), learn);
