// Reading the bytes of a sealed document. "The document" of docs/reference/sealed-sum-format.md.
import { createHash, ECDH } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { HIDDEN_BYTES, NAMED_BYTES, takeKey, takeProof } from './members.mjs';
import { fromLittleEndian, POINT_BYTES, readPoint, SCALAR_BYTES } from './curve.mjs';

const MOST_BYTES = 163_840;
const MOST_TEXT_BYTES = 4_000;
const MOST_SECONDS = 253_402_300_799; // 9999-12-31T23:59:59Z
const MAGIC = Buffer.from('UNDERSEAL\0', 'latin1');
export const UNITS = [
  'liter', 'kilogram', 'cubic meter', 'kilowatt hour', 'megajoule', 'ton kilometer',
  'square meter', 'piece', 'hour', 'megabit second',
];

const NOT_PRINTABLE = new RegExp(
  `[${[
    '0-1f', '7f-a0', 'ad', '61c', '1680', '180e', '2000-200f', '2028-202f', '205f-206f', '3000',
    'e000-f8ff', 'fdd0-fdef', 'feff', 'fff0-fffb', 'fffe', 'ffff', 'e0000-e00ff', 'e01f0-10ffff',
  ].map((range) => range.replace(/[0-9a-f]+/g, '\\u{$&}')).join('')}]`, 'u',
);

/** What is wrong, and in which part ("The rules"). */
export class Refused extends Error {
  constructor(part, reason) {
    super(`${part}: ${reason}`);
    this.part = part;
  }
}

/** Throws that the part does not hold, unless `holds`. */
export function demand(holds, part, reason) {
  if (!holds) throw new Refused(part, reason);
}

const inFile = (holds, reason) => demand(holds, 'file', reason);

export const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(count) {
    inFile(this.at + count <= this.bytes.length, `it ends before byte ${this.at + count}`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  integer(size) {
    return fromLittleEndian(this.take(size));
  }

  count(size, most, what) {
    const number = Number(this.integer(size));
    inFile(number <= most, `${what}: ${number}, above ${most}`);
    return number;
  }

  seconds(what) {
    return this.count(5, MOST_SECONDS, what);
  }

  text(what) {
    const bytes = this.take(this.count(2, MOST_TEXT_BYTES, `bytes of ${what}`));
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new Refused('file', `${what} is not UTF-8`);
    }
  }

  printable(most, what) {
    const text = this.text(what);
    const length = [...text].length;
    inFile(length >= 1 && length <= most, `${what} has ${length} characters, not 1 to ${most}`);
    inFile(!NOT_PRINTABLE.test(text), `${what} has other than printable characters`);
    return text;
  }

  point(what) {
    const bytes = this.take(POINT_BYTES);
    try {
      return { bytes, point: readPoint(bytes) };
    } catch (error) {
      throw new Refused('file', `${what}: ${error.message}`);
    }
  }

  /** As many items as the first byte says, each as `read` reads it, with its bytes. */
  list(least, most, what, read) {
    const length = this.count(1, most, `number of ${what}`);
    inFile(length >= least, `number of ${what}: ${length}, below ${least}`);
    return Array.from({ length }, (_, i) => {
      const start = this.at;
      const item = read(`${what} ${i + 1}`);
      return { item, bytes: this.bytes.subarray(start, this.at) };
    });
  }
}

/** Throws unless these byte strings ascend, none twice. */
function ascending(strings, what) {
  for (let i = 1; i < strings.length; i++) {
    inFile(Buffer.compare(strings[i - 1], strings[i]) < 0, `${what} do not ascend`);
  }
}

// RFC 3986 appendix A; ASCII only, so characters are bytes.
const UNRESERVED = 'A-Za-z0-9\\-._~';
const DELIMITERS = "!$&'()*+,;=";
const ESCAPE = '%[0-9A-Fa-f]{2}';
const PCHAR = `(?:[${UNRESERVED}${DELIMITERS}:@]|${ESCAPE})`;
const HOST = `(?<literal>\\[[^\\]]*\\])|(?:[${UNRESERVED}${DELIMITERS}]|${ESCAPE})*`;
const AUTHORITY = `(?:(?:[${UNRESERVED}${DELIMITERS}:]|${ESCAPE})*@)?(?:${HOST})(?::[0-9]*)?`;
const SEGMENTS = `(?:/${PCHAR}*)*`;
const PATH = `//${AUTHORITY}${SEGMENTS}|/(?:${PCHAR}+${SEGMENTS})?|${PCHAR}+${SEGMENTS}|`;
const REST = `(?:${PCHAR}|[/?])*`;
const URI = new RegExp(`^[A-Za-z][A-Za-z0-9+.-]*:(?:${PATH})(?:\\?${REST})?(?:#${REST})?$`);
const FUTURE_IP = new RegExp(`^v[0-9A-Fa-f]+\\.[${UNRESERVED}${DELIMITERS}:]+$`, 'i');

function isUri(text) {
  const match = URI.exec(text);
  const literal = match?.groups.literal?.slice(1, -1);
  if (literal === undefined) return match !== null;
  return FUTURE_IP.test(literal) || (isIPv6(literal) && !literal.includes('%'));
}

/** The whole URL that a shortened one stands for. */
function url(reader, what) {
  const text = reader.text(what);
  const https = 'https://';
  const superfluous = text.startsWith(https) && !text.slice(https.length).includes('://');
  inFile(!superfluous, `${what} is not shortened`);
  const whole = text.includes('://') ? text : https + text;
  inFile(whole.length <= 200 && isUri(whole), `${what} is not a URI of at most 200 characters`);
  inFile(!whole.endsWith('/'), `${what} ends with /`);
  return whole;
}

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

function supplier(reader, what) {
  const address = url(reader, `URL of ${what}`);
  const bytes = reader.take(33);
  inFile(bytes[0] === 2 || bytes[0] === 3, `key of ${what} is not a compressed point`);
  let point;
  try {
    point = ECDH.convertKey(bytes, 'prime256v1', undefined, undefined, 'uncompressed');
  } catch {
    throw new Refused('file', `key of ${what} is not a point of P-256`);
  }
  const key = {
    crv: 'P-256', kty: 'EC', x: base64url(point.subarray(1, 33)), y: base64url(point.subarray(33)),
  };
  return { url: address, key, thumbprint: base64url(sha256(JSON.stringify(key))) };
}

function names(reader, what) {
  const read = (one) => reader.printable(100, one);
  const listed = reader.list(1, 20, what, read).map(({ item }) => item);
  ascending(listed.map((text) => Buffer.from(text)), what); // as code points do in UTF-8
  return listed;
}

function terms(reader, what) {
  const amount = reader.text(`amount of ${what}`);
  const plain = amount.length <= 40 && /^(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$/.test(amount);
  inFile(plain && amount !== '0', `amount of ${what} is not a plain decimal above 0`);
  const unit = UNITS[reader.count(1, UNITS.length - 1, `unit of ${what}`)];
  const mass = reader.integer(8);
  if (unit === 'kilogram') {
    const [whole, fraction = ''] = amount.split('.');
    const same = mass === nano(BigInt(whole + fraction), fraction.length);
    inFile(same, `mass of ${what} is not its amount of kilograms`);
  }
  const start = reader.seconds(`begin of the period of ${what}`);
  const end = reader.seconds(`end of the period of ${what}`);
  inFile(end > start, `the period of ${what} ends before it begins`);
  const reports = names(reader, `reports of ${what}`);
  const standards = names(reader, `standards of ${what}`);
  return { amount, unit, mass, start, end, reports, standards };
}

/** The number `digits` / 10^`places`, not negative, in 10^-9, rounded half to even. */
export function nano(digits, places) {
  const scaled = digits * 10n ** 9n;
  const unit = 10n ** BigInt(places);
  const twice = (scaled % unit) * 2n;
  const floor = scaled / unit;
  return twice > unit || (twice === unit && floor % 2n === 1n) ? floor + 1n : floor;
}

/** The roster of scheme 2, and the mark of the publisher. */
function roster(reader) {
  const one = {
    issuer: url(reader, 'issuer of the roster'),
    name: reader.printable(100, 'name of the roster'),
    key: takeKey(reader, 'key of the roster'),
    notBefore: reader.seconds('begin of the epoch'),
    notAfter: reader.seconds('end of the epoch'),
    entity: reader.printable(100, 'legal entity of the publisher'),
    pseudonym: reader.point('pseudonym of the publisher'),
    proof: takeProof(reader, NAMED_BYTES, 'proof of the publisher'),
  };
  inFile(one.notAfter > one.notBefore, 'the epoch ends before it begins');
  return one;
}

function member(reader, pseudonyms, allTerms, what) {
  return {
    supplier: reader.count(1, pseudonyms.length - 1, `pseudonym of ${what}`),
    terms: reader.count(1, allTerms.length - 1, `terms of ${what}`),
    C: reader.point(`C of ${what}`),
    origin: reader.take(32),
    proof: takeProof(reader, HIDDEN_BYTES, `proof of ${what}`),
    Q: reader.point(`Q of ${what}`),
  };
}

function input(reader, suppliers, allTerms, what) {
  const one = {
    supplier: reader.count(1, suppliers.length - 1, `supplier of ${what}`),
    terms: reader.count(1, allTerms.length - 1, `terms of ${what}`),
    C: reader.point(`C of ${what}`),
    credential: reader.take(32),
    notBefore: reader.seconds(`not before of ${what}`),
    notAfter: reader.seconds(`not after of ${what}`),
    signature: reader.take(64),
    Q: reader.point(`Q of ${what}`),
  };
  inFile(one.notAfter > one.notBefore, `${what} ends before it begins`);
  return one;
}

function factor(reader, what) {
  const start = reader.at;
  reader.printable(200, `name of ${what}`);
  reader.printable(40, `unit of ${what}`);
  const value = reader.integer(7);
  inFile(value > 0n, `value of ${what} is 0`);
  const sorted = reader.bytes.subarray(start, reader.at);
  return { value, sorted, F: reader.point(`F of ${what}`) };
}

function header(reader) {
  inFile(MAGIC.equals(reader.take(MAGIC.length)), 'not a sealed document');
  const flag = (most, least, what) => {
    const value = reader.count(1, most, what);
    inFile(value >= least, `${what}: ${value}, below ${least}`);
    return value;
  };
  flag(1, 1, 'version');
  const scheme = flag(2, 1, 'scheme');
  const property = ['fossilGhgEmissions', 'pcfExcludingBiogenicUptake'][flag(2, 1, 'property') - 1];
  const decimals = flag(19, 0, 'decimals') - 1;
  const coverage = flag(90, 0, 'coverage');
  inFile([0, 25, 50, 75, 90].includes(coverage), `coverage: ${coverage}`);
  const mass = flag(1, 0, 'mass balance') === 1;
  const hex = reader.take(16).toString('hex');
  const footprint = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const core = reader.take(32);
  const salt = reader.take(32);
  const publisher = url(reader, 'publisher');
  const product = reader.printable(1_000, 'product');
  return { scheme, property, decimals, coverage, mass, footprint, core, salt, publisher, product };
}

/** What the bytes of a document say. Throws {@link Refused} if they have another form. */
export function readDocument(bytes) {
  inFile(bytes.length <= MOST_BYTES, `it has more than ${MOST_BYTES} bytes`);
  const reader = new Reader(bytes);
  const document = header(reader);
  const isHidden = document.scheme === 2;
  if (isHidden) document.roster = roster(reader);
  const suppliers = reader.list(0, 126, isHidden ? 'pseudonyms' : 'suppliers', (what) =>
    (isHidden ? reader.point(what) : supplier(reader, what)));
  const allTerms = reader.list(0, 126, 'terms', (what) => terms(reader, what));
  const inputs = reader.list(0, 126, 'inputs', (what) =>
    (isHidden ? member : input)(reader, suppliers, allTerms, what));
  const factors = reader.list(0, 30, 'factors', (what) => factor(reader, what));
  ascending(suppliers.map((one) => one.bytes), 'suppliers');
  ascending(allTerms.map((one) => one.bytes), 'terms');
  ascending(inputs.map((one) => one.item.C.bytes), 'inputs');
  ascending(factors.map((one) => one.item.sorted), 'factors');
  for (const [list, name] of [[suppliers, 'supplier'], [allTerms, 'terms']]) {
    const used = new Set(inputs.map(({ item }) => item[name]));
    inFile(used.size === list.length, `not each of the ${name} is used`);
  }
  document.inputs = inputs.map(({ item }) => ({
    ...item, supplier: suppliers[item.supplier].item, terms: allTerms[item.terms].item,
  }));
  const isOwn = suppliers.some(({ item }) => item.url === document.publisher);
  inFile(!isOwn, 'a supplier is the publisher');
  document.factors = factors.map(({ item }) => item);
  document.E = reader.point('E');
  document.R = reader.point('R');
  if (document.mass) document.M1 = reader.point('M_1');
  if (document.coverage > 0) [document.P, document.A] = [reader.point('P'), reader.point('A')];
  document.digest = sha256(bytes.subarray(0, reader.at));
  const scalars = 2 * (inputs.length + factors.length) + 2 + (document.coverage > 0 ? 1 : 0);
  document.sumProof = reader.take(scalars * SCALAR_BYTES);
  document.rangeProof = reader.take(rangeProofBytes(document));
  inFile(reader.at === bytes.length, `${bytes.length - reader.at} bytes are left at the end`);
  return document;
}

/** The widths of the values whose ranges are proved, in their order. */
export function rangeWidths(document) {
  const short = 2 * document.inputs.length + document.factors.length;
  const long = 3 + (document.mass ? 2 : 0) + (document.coverage > 0 ? 4 : 0);
  return [...Array(short).fill(56), ...Array(long).fill(64)];
}

/** The smallest power of two that is not below `n`, as its exponent. */
export const rounds = (n) => Math.ceil(Math.log2(n));

function rangeProofBytes(document) {
  const bits = rangeWidths(document).reduce((sum, width) => sum + width, 0);
  return 1 + POINT_BYTES * (4 + 2 * rounds(bits)) + 5 * SCALAR_BYTES;
}
