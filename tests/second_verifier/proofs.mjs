// The two proofs: a linear relation by a sigma protocol, and ranges by a Bulletproof.
//
// "The proof of the sum" and "The proof of the ranges" of docs/reference/sealed-sum-format.md;
// draft-irtf-cfrg-fiat-shamir; draft-irtf-cfrg-sigma-protocols. Comments name their sections.
import { shake128 } from '@noble/hashes/sha3.js';
import {
  fromLittleEndian, generator, invert, mod, ORDER, Point, POINT_BYTES, readPoint, readScalar,
  SCALAR_BYTES, sum,
} from './curve.mjs';
import { demand, rangeWidths, rounds } from './document.mjs';

const G = Point.BASE;
const SUITE = 'sigma-proofs_Shake128_BLS12381';
const RANGES = 'bulletproofs-V01_Shake128_BLS12381';
const RATE = 168;

const ascii = (text) => Buffer.from(text, 'latin1');

function littleEndian(number, bytes) {
  const out = Buffer.alloc(bytes);
  out.writeUIntLE(number, 0, bytes);
  return out;
}

const scalarBytes = (n) => Buffer.from(mod(n).toString(16).padStart(2 * SCALAR_BYTES, '0'), 'hex');

/** The duplex sponge of SHAKE128 (Fiat-Shamir draft, "XOF duplex sponge"). */
class Sponge {
  constructor(session) {
    this.absorbed = shake128.create({}).update(session).update(new Uint8Array(RATE - 32));
  }

  /** A sponge for the session that this tag names ("Session identifiers"). */
  static ofTag(tag) {
    const sponge = new Sponge(ascii('irtf-cfrg-fiat-shamir/session-id'));
    sponge.absorb(ascii(tag));
    return new Sponge(sponge.squeeze(32));
  }

  absorb(bytes) {
    this.absorbed.update(Uint8Array.from(bytes));
    this.output = undefined;
  }

  squeeze(count) {
    this.output ??= this.absorbed.clone();
    return this.output.xof(count);
  }

  scalar() {
    return mod(fromLittleEndian(this.squeeze(SCALAR_BYTES + 16)));
  }
}

// ---- The proof of the sum

/** The relation of a document, as the draft compiles it ("Specifying the relation"). */
function sumRelation(document, { T, S, h }) {
  const { inputs, factors } = document;
  const [n, m] = [inputs.length, factors.length];
  const points = [generator('H'), document.E.point, document.R.point];
  points.push(...inputs.map((one) => one.C.point), ...inputs.map((one) => one.Q.point));
  points.push(...factors.map((one) => one.F.point));
  if (document.P) points.push(document.P.point);
  const [H, E, R, C, Q, F, P] = [1, 2, 3, 4, 4 + n, 4 + 2 * n, 4 + 2 * n + m]; // element indices
  const [x, rho, pi] = [2 * n, 2 * n + 2 * m, 2 * n + 2 * m + 1]; // scalar indices; q and s from 0
  const equations = [];
  for (let i = 0; i < n; i++) {
    equations.push({ image: [[Q + i, 1n]], terms: [[2 * i, 0, 1n], [2 * i + 1, H, 1n]] });
  }
  for (let j = 0; j < m; j++) {
    const terms = [[x + 2 * j, 0, 1n], [x + 2 * j + 1, H, 1n]];
    equations.push({ image: [[F + j, 1n]], terms });
  }
  const endorsed = inputs.map((_, i) => [2 * i, C + i, 1n]);
  const named = factors.map((one, j) => [x + 2 * j, 0, one.value]);
  equations.push({
    image: [[0, T * S - h], [E, -(10n ** 9n)], [R, 1n]],
    terms: [...endorsed, ...named, [rho, H, 1n]],
  });
  if (document.P) equations.push({ image: [[P, 1n]], terms: [...endorsed, [pi, H, 1n]] });
  return { elements: [G, ...points], equations, scalars: pi + (document.P ? 1 : 0) };
}

/** "Serialization" of a linear relation. */
function relationBytes({ elements, equations }) {
  const out = [littleEndian(equations.length, 4)];
  for (const { image, terms } of equations) {
    out.push(littleEndian(image.length, 4));
    for (const [element, factor] of image) out.push(littleEndian(element, 4), scalarBytes(factor));
    out.push(littleEndian(terms.length, 4));
    for (const [scalar, element, factor] of terms) {
      out.push(littleEndian(scalar, 4), littleEndian(element, 4), scalarBytes(factor));
    }
  }
  return Buffer.concat([...out, ...elements.slice(1).map((point) => point.toBytes())]);
}

/** "Compact NARG strings": calculates the commitment and compares the challenge. */
export function verifySum(document, numbers) {
  const relation = sumRelation(document, numbers);
  const { elements, equations } = relation;
  const holds = (condition, reason) => demand(condition, 'sum', reason);
  // "Instance validation": 1 to 8 hold by the way it was made, and 10, as each scalar has a
  // coefficient that is not 0 of G, H or a C. An image may be the identity.
  const images = equations.map(({ image }) =>
    sum(image.map(([element, factor]) => [factor, elements[element]])));
  holds(images.every((point) => !point.is0()), 'an equation says nothing');
  const [challenge, ...responses] = scalars(document.sumProof, 'sum');
  holds(responses.length === relation.scalars, `${responses.length} responses`);
  const commitment = equations.map(({ terms }, i) => sum([
    ...terms.map(([scalar, element, factor]) => [factor * responses[scalar], elements[element]]),
    [-challenge, images[i]],
  ]));
  holds(commitment.every((point) => !point.is0()), 'a commitment is the identity');
  const hex = document.digest.toString('hex');
  const sponge = Sponge.ofTag(`UNDERSEAL-SEAL-V01-0001-CMPT-with-${SUITE}-${hex}`);
  sponge.absorb(relationBytes(relation));
  sponge.absorb(Buffer.concat(commitment.map((point) => point.toBytes())));
  holds(sponge.scalar() === challenge, 'the challenge is another one');
}

/** The scalars that these bytes are. */
function scalars(bytes, part) {
  const out = [];
  for (let at = 0; at < bytes.length; at += SCALAR_BYTES) {
    try {
      out.push(readScalar(bytes.subarray(at, at + SCALAR_BYTES)));
    } catch (error) {
      demand(false, part, error.message);
    }
  }
  return out;
}

// ---- The proof of the ranges

/** The commitments whose ranges are proved, in their order. */
function rangeCommitments(document, { T, S, M }) {
  const { inputs, factors } = document;
  const [E, R, M1, P, A] = ['E', 'R', 'M1', 'P', 'A'].map((name) => document[name]?.point);
  const out = [
    ...inputs.map((one) => one.Q.point), ...inputs.map((one) => one.C.point),
    ...factors.map((one) => one.F.point), E, R, sum([[S - 1n, G], [-1n, R]]),
  ];
  if (document.mass) {
    const weighed = inputs.map((one) => [one.terms.mass, one.Q.point]);
    out.push(M1, sum([...weighed, [-(10n ** 9n) * M, G], [-(2n ** 64n), M1]]));
  }
  if (document.coverage > 0) {
    const rest = sum([[1n, P], [-S, A]]);
    out.push(A, rest, sum([[S - 1n, G], [-1n, rest]]));
    out.push(sum([[100n, A], [BigInt(-document.coverage) * T, G]]));
  }
  return out;
}

function readRangeProof(bytes, levels) {
  let at = 1;
  const take = (count) => bytes.subarray(at, (at += count));
  const point = (what) => {
    const encoded = take(POINT_BYTES);
    try {
      return { bytes: encoded, point: readPoint(encoded) };
    } catch (error) {
      return demand(false, 'ranges', `${what}: ${error.message}`);
    }
  };
  demand(bytes[0] === 1, 'ranges', `version ${bytes[0]}`);
  const [A, S, T1, T2] = ['A', 'S', 'T_1', 'T_2'].map(point);
  const middle = take(3 * SCALAR_BYTES);
  const fold = (_, k) => [point(`L_${k + 1}`), point(`R_${k + 1}`)];
  const folds = Array.from({ length: levels }, fold);
  const [t, tau, mu] = scalars(middle, 'ranges');
  const [a, b] = scalars(take(2 * SCALAR_BYTES), 'ranges');
  return { A, S, T1, T2, middle, t, tau, mu, folds, a, b };
}

/** The challenges of the proof, each from everything before it. */
function rangeChallenges(tag, widths, commitments, proof) {
  const sponge = Sponge.ofTag(tag);
  const challenge = () => {
    const scalar = sponge.scalar();
    demand(scalar !== 0n, 'ranges', 'a challenge is 0');
    return scalar;
  };
  const absorb = (...parts) => sponge.absorb(Buffer.concat(parts));
  absorb(
    littleEndian(RANGES.length, 4), ascii(RANGES), littleEndian(widths.length, 4),
    Uint8Array.from(widths), ...commitments.map((point) => point.toBytes()),
  );
  absorb(proof.A.bytes, proof.S.bytes);
  const [y, z] = [challenge(), challenge()];
  absorb(proof.T1.bytes, proof.T2.bytes);
  const x = challenge();
  absorb(proof.middle);
  const e = challenge();
  const folds = proof.folds.map(([L, R]) => {
    absorb(L.bytes, R.bytes);
    return challenge();
  });
  return { y, z, x, e, folds };
}

/** n^0 to n^(count-1). */
function powers(n, count) {
  const out = [1n];
  while (out.length < count) out.push(mod(out.at(-1) * n));
  return out;
}

/** The first equation: t is what it has to be for these commitments. */
function valueHolds(widths, commitments, proof, { y, z, x }, size) {
  const zs = powers(z, widths.length + 3);
  const ys = powers(y, size).reduce((all, one) => all + one, 0n);
  const ones = widths.reduce((all, width, j) => all + zs[j + 3] * (2n ** BigInt(width) - 1n), 0n);
  const delta = (z - zs[2]) * ys - ones;
  return sum([
    [proof.t - delta, G], [proof.tau, generator('H')],
    ...commitments.map((point, j) => [-zs[j + 2], point]),
    [-x, proof.T1.point], [-x * x, proof.T2.point],
  ]).is0();
}

/** The second equation: A' and S' hold vectors whose inner product is t. */
function vectorsHold(widths, proof, { y, z, x, e, folds }, size) {
  const zs = powers(z, widths.length + 2);
  const ys = powers(invert(y), size);
  const d = widths.flatMap((width, j) =>
    Array.from({ length: width }, (_, i) => zs[j + 2] * 2n ** BigInt(i)));
  const inverses = folds.map(invert);
  const terms = [];
  for (let i = 0; i < size; i++) {
    let [s, inverse] = [1n, 1n];
    folds.forEach((fold, k) => {
      const set = (i >> (folds.length - 1 - k)) & 1;
      s = mod(s * (set ? fold : inverses[k]));
      inverse = mod(inverse * (set ? inverses[k] : fold));
    });
    terms.push([-z - proof.a * s, generator(`G_${i}`)]);
    terms.push([z + ((d[i] ?? 0n) - proof.b * inverse) * ys[i], generator(`H_${i}`)]);
  }
  folds.forEach((fold, k) => {
    const [L, R] = proof.folds[k];
    terms.push([fold * fold, L.point], [inverses[k] * inverses[k], R.point]);
  });
  terms.push([1n, proof.A.point], [x, proof.S.point], [-proof.mu, generator('H')]);
  terms.push([proof.t * e - proof.a * proof.b * e, generator('U')]);
  return sum(terms).is0();
}

export function verifyRanges(document, numbers) {
  const widths = rangeWidths(document);
  const commitments = rangeCommitments(document, numbers);
  demand(commitments.every((point) => !point.is0()), 'ranges', 'a commitment is the identity');
  const levels = rounds(widths.reduce((all, width) => all + width, 0));
  const proof = readRangeProof(document.rangeProof, levels);
  const tag = `UNDERSEAL-SEAL-V01-0001-with-${RANGES}-${document.digest.toString('hex')}`;
  const challenges = rangeChallenges(tag, widths, commitments, proof);
  const first = valueHolds(widths, commitments, proof, challenges, 2 ** levels);
  demand(first, 'ranges', 'the first equation does not hold');
  const second = vectorsHold(widths, proof, challenges, 2 ** levels);
  demand(second, 'ranges', 'the second equation does not hold');
}
