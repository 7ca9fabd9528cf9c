// console.js - puts the parts of the page together.
import { offerConnections } from './connections.js';
import { showFigures } from './figures.js';
import { Messages } from './messages.js';
import { offerSending } from './sender.js';

offerConnections(new Messages());
offerSending();
showFigures(new URL('console/stats', document.baseURI));
