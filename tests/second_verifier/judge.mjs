// Judges a sealed document.
//
// "The endorsement" and "The rules" of docs/reference/sealed-sum-format.md, without attestations.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { demand, readDocument, sha256 } from './document.mjs';
import { canonical, coreDigest, isObject, numbers, seconds } from './footprint.mjs';
import { boundOfEndorser, boundOfPublisher, common, flawOf, messageOf } from './members.mjs';
import { verifyRanges, verifySum } from './proofs.mjs';

const base64url = (text) => Buffer.from(text).toString('base64url');

/** CTX: what ties endorsements to one product, version and publisher. */
function context(document) {
  const hash = createHash('sha256');
  const { publisher, product, footprint, salt } = document;
  for (const text of ['UNDERSEAL-SEAL-V01-context', publisher, product, footprint]) {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.update(salt).digest();
}

/** What an endorsement says; of scheme 1. */
function payloadOf(document, input) {
  const { supplier, terms } = input;
  return {
    aud: document.publisher,
    commitment: base64url(input.C.bytes),
    context: base64url(context(document)),
    credential: base64url(input.credential ?? ''),
    crossSectoralStandards: terms.standards,
    declaredUnitAmount: terms.amount,
    declaredUnitOfMeasurement: terms.unit,
    exp: input.notAfter,
    ipccCharacterizationFactors: terms.reports,
    iss: supplier.url,
    mass: terms.mass.toString(),
    named: true,
    nbf: input.notBefore,
    property: document.property,
    referencePeriodEnd: terms.end,
    referencePeriodStart: terms.start,
    version: 1,
  };
}

/** The bytes that the supplier of an input has signed. */
function signedText(document, input) {
  const { thumbprint: kid } = input.supplier;
  const header = { alg: 'ES256', kid, typ: 'underseal-endorsement+jwt' };
  const payload = payloadOf(document, input);
  return `${base64url(canonical(header))}.${base64url(canonical(payload))}`;
}

function signatureHolds(document, input) {
  const key = createPublicKey({ key: input.supplier.key, format: 'jwk' });
  const text = Buffer.from(signedText(document, input));
  return verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, input.signature);
}

function thumbprint({ crv, kty, x, y }) {
  return sha256(JSON.stringify({ crv, kty, x, y })).toString('base64url');
}

const withoutSlash = (url) => url.replace(/\/+$/, '');

/** What a reader knows: nodes with their URLs, thumbprints, and what is revoked since when. */
export function readTrust({ nodes, rosters = [] }) {
  const isOfFootprints = (key) => (key['underseal:purpose'] ?? 'footprint') === 'footprint';
  const found = nodes.map(({ urls, keys, revoked }) => ({
    urls: urls.map(withoutSlash),
    all: [...keys.map(thumbprint), ...Object.keys(revoked)],
    footprint: keys.filter(isOfFootprints).map(thumbprint),
    revoked: new Map(Object.entries(revoked).map(([key, since]) => [key, seconds(since)])),
  }));
  found.rosters = rosters.map(({ issuer, name, key, revoked }) => ({
    issuer, name, key: Buffer.from(key, 'base64'), revoked: seconds(revoked ?? undefined),
  }));
  return found;
}

const nodesOf = (trust, url) => trust.filter((node) => node.urls.includes(url));

function isKnown(trust, { url, thumbprint }) {
  const found = nodesOf(trust, url); // if several say that they have the URL, all have to have the key
  return found.length > 0 && found.every(({ footprint, revoked }) =>
    footprint.includes(thumbprint) || revoked.has(thumbprint));
}

/** Rule 5, for one input. */
function judgeEndorsement(document, input, part, { footprint, publisher, trust, time }) {
  const holds = (condition, reason) => demand(condition, part, reason);
  const { supplier, terms, notBefore, notAfter } = input;
  holds(signatureHolds(document, input), 'the signature does not hold');
  const created = seconds(footprint.created); // whole: the limits are whole seconds as well
  holds(notBefore <= created && created < notAfter, 'not valid when the footprint was created');
  const reports = footprint.pcf.ipccCharacterizationFactors;
  const among = Array.isArray(reports) && terms.reports.every((one) => reports.includes(one));
  holds(among, 'the footprint has other assessment reports');
  holds(!publisher.includes(supplier.url), 'the supplier has a URL of the publisher');
  const own = publisher.flatMap((url) => nodesOf(trust, url));
  const ownKey = own.some(({ all }) => all.includes(supplier.thumbprint));
  holds(!ownKey, 'the supplier has a key of the publisher');
  const since = nodesOf(trust, supplier.url).map((node) => node.revoked.get(supplier.thumbprint));
  holds(!since.some((instant) => instant <= time), 'the key is revoked'); // undefined: it is not
}

/** Scheme 2: the roster with the mark of the publisher, then each endorsement. */
function judgeMembers(document, { footprint, publisher, trust, time }) {
  const { roster, inputs, publisher: url } = document;
  const holds = (condition, reason) => demand(condition, 'roster', reason);
  holds(!publisher.includes(roster.issuer), 'the publisher keeps it');
  const created = seconds(footprint.created);
  holds(roster.notBefore <= created && created < roster.notAfter, 'it is of another epoch');
  const since = rostersOf(trust, roster).map((one) => one.revoked);
  holds(!since.some((instant) => instant <= time), 'its key is revoked');
  const ctx = context(document);
  const shared = common(roster, url, ctx);
  const message = messageOf(url, roster.entity);
  const flaw = flawOf(shared, roster.proof, roster.pseudonym, boundOfPublisher(ctx), message);
  holds(flaw === undefined, `the mark of the publisher: ${flaw}`);
  inputs.forEach((input, i) => {
    const ofInput = (condition, reason) => demand(condition, `endorsement ${i + 1}`, reason);
    const { supplier, terms, proof } = input;
    ofInput(!supplier.bytes.equals(roster.pseudonym.bytes), 'it is of the publisher');
    const bound = boundOfEndorser(canonical(memberPayload(document, input)));
    const reason = flawOf(shared, proof, supplier, bound);
    ofInput(reason === undefined, reason);
    const reports = footprint.pcf.ipccCharacterizationFactors;
    const among = Array.isArray(reports) && terms.reports.every((one) => reports.includes(one));
    ofInput(among, 'the footprint has other assessment reports');
  });
}

function memberPayload(document, input) {
  const { credential, exp, iss, named, nbf, ...same } = payloadOf(document, input);
  return { ...same, origin: base64url(input.origin), version: 2 };
}

const rostersOf = (trust, roster) => trust.rosters.filter((one) =>
  one.issuer === roster.issuer && one.name === roster.name && one.key.equals(roster.key.bytes));

function judgeFootprint(document, { footprint, publisher }) {
  demand(publisher.includes(document.publisher), 'publisher', `it is ${document.publisher}`);
  const { id, pcf, created, productIds } = footprint;
  const same = typeof id === 'string' && id.toLowerCase() === document.footprint;
  demand(same, 'footprint', `the document is about ${document.footprint}`);
  demand(isObject(pcf), 'footprint', 'it has no pcf');
  demand(seconds(created) !== undefined, 'footprint', 'created is no time');
  const { extensions = [] } = footprint;
  demand(Array.isArray(extensions), 'footprint', 'extensions is no array');
  const named = Array.isArray(productIds) && productIds.includes(document.product);
  demand(named, 'product', `it is ${document.product}`);
  demand(coreDigest(footprint).equals(document.core), 'core', 'the digest is another one');
}

/**
 * The result of a sealed document for a footprint: grade, coverage in percent, total, digest.
 *
 * `publisher` has the URLs of the publisher, `trust` what {@link readTrust} makes of the nodes that
 * the reader knows, `time` when it got the document, in seconds since 1970. Throws
 * {@link Refused} with the first part that does not hold.
 */
export function judge(bytes, reading) {
  reading = { ...reading, publisher: reading.publisher.map(withoutSlash) };
  const { footprint, trust } = reading;
  const document = readDocument(bytes);
  judgeFootprint(document, reading);
  const found = numbers(footprint.pcf, document);
  const { inputs, coverage } = document;
  const { roster } = document;
  if (roster) judgeMembers(document, reading);
  else {
    inputs.forEach((input, i) =>
      judgeEndorsement(document, input, `endorsement ${i + 1}`, reading));
  }
  const weighed = inputs.filter(({ terms }) => terms.mass > 0n);
  const due = found.M > 0n && weighed.length > 0;
  demand(document.mass === due, 'mass', due ? 'there is no balance' : 'there must be no balance');
  demand(coverage === 0 || (found.T > 0n && inputs.length > 0), 'coverage', 'there is none');
  verifySum(document, found);
  verifyRanges(document, found);
  const known = (input) =>
    (roster ? rostersOf(trust, roster).length > 0 : isKnown(trust, input.supplier));
  return {
    grade: document.mass && weighed.every(known) ? 'mass' : 'origin',
    coverage: inputs.every(known) ? coverage : 0,
    total: found.text,
    digest: document.digest.toString('base64url'),
  };
}
