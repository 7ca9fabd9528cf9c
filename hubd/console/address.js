// address.js - where clients connect: next to the page, or on another port.

// `page` is the page's URL; `ports` are hubd's, if clients have one of their
// own. A page loaded through a proxy has the proxy's port: there, both are under
// the same origin.
export function clientsUrl(page, ports) {
  const url = new URL('ws', page);
  const port = url.port === '' ? 80 : Number(url.port);
  if (ports && url.protocol === 'http:' && port === ports.api)
    url.port = String(ports.clients);
  return url.href;
}
