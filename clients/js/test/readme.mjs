// readme.mjs - the programs and tables in the README of this package.
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

// The code block of a language in which a piece of text occurs, and only there.
export function program(language, piece) {
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, is, code]) => is === language && code.includes(piece));

  if (blocks.length !== 1)
    throw new Error(`${blocks.length} blocks of ${language} have '${piece}'`);
  return blocks[0][2];
}

// The cells of a table that is headed by this cell, without its heading.
export function table(heading) {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  const rows = [];

  if (first < 0) throw new Error(`no table has '${heading}'`);
  for (let i = first + 2; lines[i].startsWith('|'); i++)
    rows.push(lines[i].slice(1, -1).split('|').map((cell) => cell.trim()));
  return rows;
}
