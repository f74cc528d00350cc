// The group G1 of BLS12-381: reading points and scalars, generators, sums of products.
//
// "Conventions" and "Generators" of docs/reference/sealed-sum-format.md.
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { mulAddUnsafe, normalizeZ } from '@noble/curves/abstract/curve.js';
import { FpInvertBatch } from '@noble/curves/abstract/modular.js';

export const Point = bls12_381.G1.Point;
export const ORDER = Point.Fn.ORDER;
export const POINT_BYTES = 48;
export const SCALAR_BYTES = 32;

const { Fp } = Point;
const DOMAIN = 'UNDERSEAL-SEAL-V01-generators-with-BLS12381G1_XMD:SHA-256_SSWU_RO_';

/** An integer modulo the order of the group, also of a negative one. */
export const mod = (n) => ((n % ORDER) + ORDER) % ORDER;

export const invert = (n) => Point.Fn.inv(n);

/** The big-endian integer of these bytes. */
export const fromBigEndian = (bytes) => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);

/** The little-endian integer of these bytes. */
export const fromLittleEndian = (bytes) => fromBigEndian(Uint8Array.from(bytes).reverse());

const decoded = new Map(); // documents of one corpus share most of their points

/** The point of 48 bytes. Throws if they are not the one encoding of a point of the group. */
export function readPoint(bytes) {
  const key = Buffer.from(bytes).toString('hex');
  const known = decoded.get(key);
  if (known) return known;
  if ((bytes[0] & 0xc0) !== 0x80) throw new Error('not a compressed point, or the identity');
  const point = Point.fromBytes(Uint8Array.from(bytes));
  point.assertValidity(); // on the curve, in the subgroup, not the identity
  if (point.toHex() !== key) throw new Error('not the one encoding of this point');
  decoded.set(key, point);
  return point;
}

/** The scalar of 32 bytes. Throws if it is not below the order. */
export function readScalar(bytes) {
  const scalar = fromBigEndian(bytes);
  if (scalar >= ORDER) throw new Error('a scalar is not below the order of the group');
  return scalar;
}

const generators = new Map();

/** The generator that is the hash of this message: `H`, `U`, `G_7`. */
export function generator(message) {
  if (!generators.has(message)) {
    const hash = bls12_381.G1.hashToCurve(new TextEncoder().encode(message), { DST: DOMAIN });
    generators.set(message, Point.fromAffine(hash.toAffine()));
  }
  return generators.get(message);
}

/** The sum of the products of `terms`, pairs of an integer and a point. */
export function sum(terms) {
  const used = terms.map(([n, point]) => [mod(n), point]).filter(([n]) => n !== 0n);
  if (used.length > 64) return sumOfMany(used);
  return mulAddUnsafe(Point, used.map(([, point]) => point), used.map(([n]) => n));
}

// The bucket method (Pippenger) with digits of 8 bits from -127 to 128. What it adds to the method
// in noble: the sums in the buckets are made of affine points, which share their inversions. That
// takes a third of the time, and a sum over the generators of a proof is what takes time here.
const DIGIT = 256n;
const HALF = 128;

function sumOfMany(terms) {
  const points = normalizeZ(Point, terms.map(([, point]) => point));
  const windows = [];
  terms.forEach(([n], i) => {
    const { x, y } = points[i];
    const negative = { x, y: Fp.neg(y) };
    for (let w = 0, rest = n; rest > 0n; w++, rest /= DIGIT) {
      let digit = Number(rest % DIGIT);
      if (digit > HALF) {
        digit -= Number(DIGIT);
        rest += DIGIT; // carried
      }
      windows[w] ??= Array.from({ length: HALF + 1 }, () => []);
      if (digit !== 0) windows[w][Math.abs(digit)].push(digit > 0 ? { x, y } : negative);
    }
  });
  addUp(windows.flat());
  return windows.reduceRight((total, buckets) => {
    for (let i = 0; i < 8; i++) total = total.double();
    let running = Point.ZERO;
    let weighted = Point.ZERO;
    for (let digit = HALF; digit > 0; digit--) {
      const [point] = buckets[digit];
      if (point) running = running.add(Point.fromAffine(point));
      weighted = weighted.add(running);
    }
    return total.add(weighted);
  }, Point.ZERO);
}

/** Leaves in each of these lists of affine points their sum, or nothing if it is the identity. */
function addUp(lists) {
  let open = lists.filter((list) => list.length > 1);
  while (open.length > 0) {
    const steps = [];
    for (const list of open) {
      for (let i = 1; i < list.length; i += 2) steps.push(Fp.sub(list[i].x, list[i - 1].x));
    }
    const inverses = FpInvertBatch(Fp, steps); // undefined where the step is 0
    let next = 0;
    for (const list of open) {
      const sums = list.length % 2 ? [list.at(-1)] : [];
      for (let i = 1; i < list.length; i += 2) {
        const added = addAffine(list[i - 1], list[i], inverses[next++]);
        if (added) sums.push(added);
      }
      list.splice(0, list.length, ...sums);
    }
    open = open.filter((list) => list.length > 1);
  }
}

function addAffine(p, q, inverse) {
  if (inverse === undefined) { // the same point, or one and its negative
    const added = Point.fromAffine(p).add(Point.fromAffine(q));
    return added.is0() ? undefined : added.toAffine();
  }
  const slope = Fp.mul(Fp.sub(q.y, p.y), inverse);
  const x = Fp.sub(Fp.sub(Fp.sqr(slope), p.x), q.x);
  return { x, y: Fp.sub(Fp.mul(slope, Fp.sub(p.x, x)), p.y) };
}
