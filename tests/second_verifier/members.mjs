// Scheme 2: the proofs of members of a roster.
//
// "Scheme 2: members of a roster" of docs/reference/sealed-sum-format.md;
// draft-irtf-cfrg-bbs-signatures-10 (create_generators, calculate_domain, CoreProofVerify);
// draft-irtf-cfrg-bbs-per-verifier-linkability (pseudonyms).
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js';
import { sha256 as sha } from '@noble/hashes/sha2.js';
import { fromBigEndian, mod, Point, POINT_BYTES, readPoint, readScalar, SCALAR_BYTES, sum }
  from './curve.mjs';
import { demand, sha256 } from './document.mjs';

const SUITE = 'BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_';
const API = `${SUITE}H2G_HM2S_PSEUDONYM_`;
const PLAIN = `${SUITE}H2G_HM2S_`;
const EXPANDED = 48;
export const NAMED_BYTES = 3 * POINT_BYTES + 6 * SCALAR_BYTES;
export const HIDDEN_BYTES = 3 * POINT_BYTES + 7 * SCALAR_BYTES;

const ascii = (text) => Buffer.from(text, 'latin1');

function bigEndian(number, bytes) {
  return Buffer.from(BigInt(number).toString(16).padStart(2 * bytes, '0'), 'hex');
}

/** Texts or bytes with their lengths in front. */
function strings(...parts) {
  return Buffer.concat(parts.flatMap((part) => {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  }));
}

const expand = (bytes, domain) =>
  Buffer.from(expand_message_xmd(bytes, ascii(domain), EXPANDED, sha));
const hashToScalar = (bytes, domain) => mod(fromBigEndian(expand(bytes, domain)));
const hashToCurve = (bytes, domain) =>
  Point.fromAffine(bls12_381.G1.hashToCurve(bytes, { DST: domain }).toAffine());

/** `create_generators`. */
function generators(count, api, seed = 'MESSAGE_GENERATOR_SEED') {
  const domain = `${api}SIG_GENERATOR_SEED_`;
  let state = expand(ascii(api + seed), domain);
  return Array.from({ length: count }, (_, i) => {
    state = expand(Buffer.concat([state, bigEndian(i + 1, 8)]), domain);
    return hashToCurve(state, `${api}SIG_GENERATOR_DST_`);
  });
}

const [P1] = generators(1, PLAIN, 'BP_MESSAGE_GENERATOR_SEED');
const [Q1, H1] = generators(2, API);
const H = [H1, ...generators(2, `BLIND_${API}`)];

/** The points of these bytes, and the scalars, none of which is 0. */
function readProof(bytes) {
  const at = (i) => bytes.subarray(i * POINT_BYTES, (i + 1) * POINT_BYTES);
  const points = [0, 1, 2].map((i) => ({ bytes: at(i), point: readPoint(at(i)) }));
  const scalars = [];
  for (let i = 3 * POINT_BYTES; i < bytes.length; i += SCALAR_BYTES) {
    scalars.push(readScalar(bytes.subarray(i, i + SCALAR_BYTES)));
  }
  if (scalars.includes(0n)) throw new Error('a scalar is 0');
  const [e, r1, r3, ...rest] = scalars;
  return { points, e, r1, r3, hidden: rest.slice(0, -1), c: rest.at(-1) };
}

/** Reads a proof, which belongs to the form of the file. */
export function takeProof(reader, size, what) {
  const bytes = reader.take(size);
  try {
    return readProof(bytes);
  } catch (error) {
    return demand(false, 'file', `${what}: ${error.message}`);
  }
}

/** Reads the key of a roster. */
export function takeKey(reader, what) {
  const bytes = reader.take(2 * POINT_BYTES);
  try {
    if ((bytes[0] & 0xc0) !== 0x80) throw new Error('not a compressed point, or the identity');
    const point = bls12_381.G2.Point.fromBytes(Uint8Array.from(bytes));
    point.assertValidity();
    if (point.toHex() !== bytes.toString('hex')) throw new Error('not in its one encoding');
    return { bytes, point };
  } catch (error) {
    return demand(false, 'file', `${what}: ${error.message}`);
  }
}

function headerOf({ issuer, name, notBefore, notAfter }) {
  const seconds = [notBefore, notAfter].map((n) => bigEndian(n, 5).reverse());
  return Buffer.concat([
    strings('UNDERSEAL-ROSTER-V01-header', issuer, name), ...seconds, bigEndian(1, 8),
  ]);
}

function domainOf(roster, header) {
  return hashToScalar(Buffer.concat([
    roster.key.bytes, bigEndian(3, 8), ...[Q1, ...H].map((point) => point.toBytes()), ascii(API),
    bigEndian(header.length, 8), header,
  ]), `${API}H2S_`);
}

/** What all proofs of a document have in common. */
export function common(roster, publisher, context) {
  const header = headerOf(roster);
  const domain = domainOf(roster, header);
  const place = strings('UNDERSEAL-ROSTER-V01-pseudonym', header, publisher, context);
  return {
    domain, O: hashToCurve(place, API), B: sum([[1n, P1], [domain, Q1]]), key: roster.key.point,
  };
}

export const boundOfPublisher = (context) =>
  sha256(strings('UNDERSEAL-ROSTER-V01-publisher', context));

export const boundOfEndorser = (payload) =>
  sha256(strings('UNDERSEAL-ROSTER-V01-endorsement'), payload);

/** m_1 of a member. */
export const messageOf = (url, entity) => hashToScalar(
  strings('UNDERSEAL-ROSTER-V01-member', url, entity), `${API}MAP_MSG_TO_SCALAR_AS_HASH_`,
);

/** Why a proof does not hold, or undefined. `shown` is m_1, or undefined. */
export function flawOf({ domain, O, B, key }, proof, pseudonym, bound, shown) {
  const { points, e, r1, r3, hidden, c } = proof;
  const [abar, bbar, d] = points.map(({ point }) => point);
  const base = shown === undefined ? B : sum([[1n, B], [shown, H[0]]]);
  const open = shown === undefined ? H : H.slice(1);
  const T1 = sum([[c, bbar], [e, abar], [r1, d]]);
  const T2 = sum([[c, base], [r3, d], ...hidden.map((n, i) => [n, open[i]])]);
  const Ut = sum([[hidden.at(-1), O], [-c, pseudonym.point]]);
  if ([T1, T2, Ut].some((point) => point.is0())) return 'a commitment is the identity';
  const seen = shown === undefined
    ? [bigEndian(0, 8)] : [bigEndian(1, 8), bigEndian(0, 8), bigEndian(shown, SCALAR_BYTES)];
  const challenge = hashToScalar(Buffer.concat([
    ...seen, ...points.map(({ bytes }) => bytes), T1.toBytes(), T2.toBytes(), pseudonym.bytes,
    O.toBytes(), Ut.toBytes(), bigEndian(domain, SCALAR_BYTES), bigEndian(bound.length, 8), bound,
  ]), `${API}H2S_`);
  if (challenge !== c) return 'the challenge is another one';
  const { Fp12 } = bls12_381.fields;
  const equal = Fp12.eql(
    bls12_381.pairing(abar, key), bls12_381.pairing(bbar, bls12_381.G2.Point.BASE),
  );
  return equal ? undefined : 'nothing is signed by this key';
}
