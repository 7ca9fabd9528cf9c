// The URL that the page connects to, depending on the page's own URL.
import assert from 'node:assert/strict';
import test from 'node:test';

import { clientsUrl } from '../../hubd/console/address.js';

const PORTS = { clients: 8081, api: 8082 };

test('clients connect beside the page where there is one port for all', () => {
  for (const [page, url] of [
    ['http://127.0.0.1:8081/console', 'http://127.0.0.1:8081/ws'],
    ['https://a.example/x/console', 'https://a.example/x/ws'],
  ])
    assert.equal(clientsUrl(page, undefined), url);
});

test('a page from the port of the API has them connect to their own', () => {
  for (const [page, url] of [
    ['http://127.0.0.1:8082/console', 'http://127.0.0.1:8081/ws'],
    ['http://[::1]:8082/console', 'http://[::1]:8081/ws'],
    ['http://localhost:8082/console?x', 'http://localhost:8081/ws'],
  ])
    assert.equal(clientsUrl(page, PORTS), url);
  assert.equal(
    clientsUrl('http://a.example/console', { clients: 8081, api: 80 }),
    'http://a.example:8081/ws',
  );
});

test('behind a proxy they connect where the page came from', () => {
  for (const [page, url] of [
    ['https://a.example/console', 'https://a.example/ws'],
    ['https://a.example:8082/console', 'https://a.example:8082/ws'],
    ['http://a.example/hub/console', 'http://a.example/hub/ws'],
  ])
    assert.equal(clientsUrl(page, PORTS), url);
});
