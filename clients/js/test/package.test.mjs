// The package as it is packed and installed: the right files, the right
// version, matching types, and a README that is correct.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import * as module from '../hub-client.js';
import { Hubd, until, withoutHubd } from './hubd.mjs';
import { installed, missing, withoutPackages } from './packages.mjs';
import { program, table } from './readme.mjs';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const URL_IN_README = 'ws://127.0.0.1:8081/ws';
const COMPILER = join(HERE, 'node_modules/typescript/lib/typescript.js');
const run = promisify(execFile);
const read = (path) => readFile(join(HERE, path), 'utf8');
const readJson = async (path) => JSON.parse(await read(path));

test('the version is that of the hub', async () => {
  const header = await read('../../include/hub/version.h');
  const version = /#define HUB_VERSION "(.*)"/.exec(header)[1];
  const lock = await readJson('package-lock.json');
  assert.equal((await readJson('package.json')).version, version);
  assert.equal(lock.version, version);
  assert.equal(lock.packages[''].version, version);
  assert.ok((await read('README.md')).includes(`hub-client-${version}.tgz`));
});

test('the license is that of the hub', async () => {
  assert.equal(await read('LICENSE'), await read('../../LICENSE'));
});

test('it depends on nothing', async () => {
  const manifest = await readJson('package.json');
  for (const kind of ['dependencies', 'peerDependencies', 'scripts'])
    assert.equal(manifest[kind], undefined);
  for (const file of manifest.files.filter((name) => name.endsWith('.js'))) {
    const text = await read(file);
    assert.doesNotMatch(text, /\brequire\b|\bimport\(/);
    for (const [, from] of text.matchAll(/\bfrom '(.*)'/g))
      assert.equal(from, './hub-protocol.js');
  }
});

test("the package, installed, runs the README's program",
  { skip: withoutHubd || withoutPackages }, async (t) => {
    const { directory, pack } = await installed(t);
    assert.deepEqual(pack.files.map(({ path }) => path).sort(),
      ['LICENSE', 'README.md', 'hub-client.d.ts', 'hub-client.js',
        'hub-protocol.js', 'package.json']);
    assert.ok(pack.size < 20000, `${pack.size} bytes`);

    const hubd = await Hubd.start(t);
    const code = program('js', 'from "ws"');
    assert.equal(code.split(URL_IN_README).length, 2);
    await symlink(join(HERE, 'node_modules/ws'),
      join(directory, 'node_modules/ws'));
    await writeFile(join(directory, 'main.js'),
      code.replace(URL_IN_README, hubd.url));
    const done = run(process.execPath, ['main.js'],
      { cwd: directory, timeout: 20000 });
    await until(() => hubd.connections(), 'it is connected');
    await hubd.send('ada', { type: 'note', payload: 'hello' });
    await hubd.send('ada', { type: 'bye', payload: null });
    assert.equal((await done).stdout, 'connected\nada got hello\n');
  });

// Types. ----------------------------------------------------------------------

const skip = missing('typescript', COMPILER);
const ts = skip ? null : (await import(COMPILER)).default;

for (const where of ['page', 'node']) {
  test(`programs for ${where} have the types they should have`, { skip },
    async () => {
      const compiler = join(HERE, 'node_modules/typescript/bin/tsc');
      await run(process.execPath, [compiler, '-p', `test/types/${where}.json`],
        { cwd: HERE }).catch(({ stdout }) => assert.fail(stdout));
    });
}

// The names a list of declarations gives, without private ones.
const names = (nodes) => nodes.flatMap(({ name }) => name?.text ?? []).sort();

test('the types name what is there, and nothing else', { skip }, async () => {
  const { statements } = ts.createSourceFile('hub-client.d.ts',
    await read('hub-client.d.ts'), ts.ScriptTarget.Latest);
  const values = statements.filter((statement) =>
    ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement));
  assert.deepEqual(names(values), Object.keys(module).sort());

  const { members } = values.find(({ name }) => name.text === 'HubClient');
  const isStatic = ({ modifiers }) =>
    modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword);
  const prototype = Object.getOwnPropertyNames(module.HubClient.prototype);
  assert.deepEqual(
    [...new Set(names(members.filter((member) => !isStatic(member))))],
    prototype.filter((name) => name !== 'constructor').sort());
  assert.deepEqual(names(members.filter(isStatic)), ['defaults']);
});

const memberNames = async (name) => {
  const { statements } = ts.createSourceFile('hub-client.d.ts',
    await read('hub-client.d.ts'), ts.ScriptTarget.Latest);
  return names(statements.find((statement) =>
    statement.name?.text === name).members);
};

// The README. -----------------------------------------------------------------

const identifier = (cell) => /^`(\w+)/.exec(cell)[1];

test('the README names the options and their defaults', { skip }, async () => {
  const rows = table('option');
  assert.deepEqual(rows.map(([name]) => identifier(name)).sort(),
    await memberNames('HubClientOptions'));
  const { defaults } = module.HubClient;
  const times = rows.filter(([name]) => identifier(name) in defaults);
  assert.deepEqual(
    Object.fromEntries(times.map(([name, , value]) =>
      [identifier(name), Number(value.replaceAll('`', ''))])),
    defaults);
});

test('the README names the members of details', { skip }, async () => {
  assert.deepEqual(
    table('member').flatMap(([cell]) =>
      cell.split(', ').map(identifier)).sort(),
    await memberNames('HubStateDetail'));
});

test('the README says of each code what is done', () => {
  const said = new Map();
  for (const [codes, again] of table('closed with')) {
    for (const range of codes.split(', ')) {
      const [first, last = first] = range.split('–').map(Number);
      for (let code = first; code <= last; code++) {
        assert.ok(!said.has(code), `${code} is there twice`);
        said.set(code, again);
      }
    }
  }
  for (const [code, again] of said)
    assert.equal(module.shouldReconnect(code), again === 'yes', String(code));
  for (let code = 1000; code < 5000; code++) {
    const isUsed = (code <= 1015 && code !== 1004) || code >= 3000;
    assert.equal(said.has(code), isUsed, String(code));
  }
});
