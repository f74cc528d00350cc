// Judges the sealed documents of a file: node verify.mjs VECTORS
//
// Written from docs/reference/sealed-sum-format.md and the specifications that it names, and from
// nothing else. tests/vectors/seal/README.md describes VECTORS, one JSON object on a line. Prints
// for each vector whether it is accepted, or which part does not hold; exits with 1 if for any the
// outcome is not the expected one, with 2 if the file cannot be read.
import { readFileSync } from 'node:fs';
import { Refused } from './document.mjs';
import { seconds } from './footprint.mjs';
import { judge, readTrust } from './judge.mjs';

function readLines(path) {
  return readFileSync(path, 'utf8').split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line)];
    } catch (error) {
      throw new Error(`line ${i + 1} is not JSON: ${error.message}`);
    }
  });
}

function needed(map, name, what) {
  if (!map.has(name)) throw new Error(`there is no ${what} called ${name}`);
  return map.get(name);
}

/** The footprint in which the values at these JSON pointers are replaced; null removes one. */
function changed(footprint, change) {
  const copy = structuredClone(footprint);
  for (const [pointer, value] of Object.entries(change)) {
    const unescaped = (name) => name.replaceAll('~1', '/').replaceAll('~0', '~');
    const names = pointer.split('/').slice(1).map(unescaped);
    const last = names.pop();
    const parent = names.reduce((object, name) => object[name], copy);
    if (value === null) delete parent[last];
    else parent[last] = value;
  }
  return copy;
}

class Corpus {
  constructor(lines) {
    const by = (name, value) => new Map(lines.filter(value).map((line) => [line[name], line]));
    this.vectors = by('id', (line) => 'id' in line);
    this.footprints = by('footprint', (line) => !('id' in line) && 'footprint' in line);
    const readers = lines.filter((line) => !('id' in line) && 'nodes' in line);
    this.trust = new Map(readers.map((line) => [line.trust, readTrust(line)]));
  }

  document(vector) {
    if ('document' in vector) return Buffer.from(vector.document, 'base64');
    const base = this.document(needed(this.vectors, vector.base, 'vector'));
    const { at, remove, insert } = vector;
    const rest = base.subarray(at + remove);
    return Buffer.concat([base.subarray(0, at), Buffer.from(insert, 'hex'), rest]);
  }

  reading(vector) {
    const { document: footprint } = needed(this.footprints, vector.footprint, 'footprint');
    return {
      footprint: changed(footprint, vector.change),
      publisher: vector.publisher,
      trust: needed(this.trust, vector.trust, 'reader'),
      time: seconds(vector.time),
    };
  }

  /** What comes of a vector, and what differs from what it expects. */
  outcome(vector) {
    const expected = `${vector.expected}ed`;
    try {
      const result = judge(this.document(vector), this.reading(vector));
      const differs = Object.keys(result).filter((name) => result[name] !== vector[name]);
      if (expected !== 'accepted') return { text: 'accepted', wrong: 'expected: refused' };
      const wrong = differs.map((name) => `${name} ${result[name]}, expected: ${vector[name]}`);
      return { text: 'accepted', wrong: wrong.join('; ') };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const text = `refused: ${error.message}`;
      if (expected === 'accepted') return { text, wrong: 'expected: accepted' };
      return { text, wrong: '', otherPart: error.part !== vector.part };
    }
  }
}

function main([path]) {
  const corpus = new Corpus(readLines(path));
  let wrong = 0;
  for (const [id, vector] of corpus.vectors) {
    const outcome = corpus.outcome(vector);
    const note = outcome.otherPart ? ` (ours: ${vector.part})` : '';
    console.log(`${id}: ${outcome.text}${note}${outcome.wrong && ` BUT ${outcome.wrong}`}`);
    if (outcome.wrong) wrong += 1;
  }
  console.log(`${corpus.vectors.size - wrong} as expected, ${wrong} not`);
  return wrong > 0 ? 1 : 0;
}

try {
  if (process.argv.length !== 3) throw new Error('usage: node verify.mjs VECTORS');
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
