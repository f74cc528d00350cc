// What a footprint says: its core, its decimal numbers, its times.
//
// "The numbers" and rules 2 to 4 of docs/reference/sealed-sum-format.md, RFC 8785, RFC 3339.
import { demand, nano, Refused, sha256 } from './document.mjs';

const CORE = [
  'id', 'specVersion', 'created', 'companyName', 'companyIds', 'productDescription', 'productIds',
  'productNameCompany', 'precedingPfIds', 'validityPeriodStart', 'validityPeriodEnd',
  'productClassifications',
];
const CORE_PCF = [
  'declaredUnitOfMeasurement', 'declaredUnitAmount', 'productMassPerDeclaredUnit',
  'referencePeriodStart', 'referencePeriodEnd', 'geographyRegionOrSubregion', 'geographyCountry',
  'geographyCountrySubdivision', 'pcfExcludingBiogenicUptake', 'pcfIncludingBiogenicUptake',
  'fossilGhgEmissions', 'fossilCarbonContent', 'ipccCharacterizationFactors',
  'crossSectoralStandards', 'exemptedEmissionsPercent', 'packagingEmissionsIncluded',
  'ccsTechnologicalCO2CaptureIncluded', 'primaryDataShare',
];
const MUST_BE_ZERO = [
  'biogenicCO2Uptake', 'landManagementBiogenicCO2Removals', 'technologicalCO2Removals',
  'ccsTechnologicalCO2Capture',
];

/** The text of a value in the form of RFC 8785. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const names = Object.keys(value).sort(); // by UTF-16 units, as section 3.2.3 demands
    return `{${names.map((name) => `${canonical(name)}:${canonical(value[name])}`).join(',')}}`;
  }
  if (typeof value === 'string' && !value.isWellFormed()) throw new Error('a lone surrogate');
  // How it was written, JSON.parse does not tell: 1e21 would be allowed. No core has such numbers.
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new Error('a large integer');
  return JSON.stringify(value); // the numbers of RFC 8785 are those of ECMAScript
}

function chosen(object, names) {
  const there = names.filter((name) => Object.hasOwn(object, name));
  return Object.fromEntries(there.map((name) => [name, object[name]]));
}

export const isObject = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The SHA-256 of the core of a footprint. */
export function coreDigest(footprint) {
  const core = { ...chosen(footprint, CORE), pcf: chosen(footprint.pcf, CORE_PCF) };
  try {
    return sha256(canonical(core));
  } catch (error) {
    throw new Refused('core', `it has no canonical form: ${error.message}`);
  }
}

/** A decimal number: `digits` of an integer, the last `places` of which are behind the point. */
function decimal(pcf, name) {
  const text = pcf[name];
  const plain = typeof text === 'string' && text.length <= 100;
  const match = plain && /^([+-]?)([0-9]+)(?:\.([0-9]+))?$/.exec(text);
  demand(match, 'total', `${name} is not a decimal number of at most 100 characters`);
  const [, sign, whole, fraction = ''] = match;
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  return { text, minus: sign === '-', digits, places: fraction.length };
}

const power = (n) => 10n ** BigInt(n);

const equal = (a, b) => a.digits * power(b.places) === b.digits * power(a.places);

/** T, S and h of the sealed property. */
function total(pcf, property, decimals) {
  const number = decimal(pcf, property);
  demand(!number.minus, 'total', `${property} has a minus`);
  const tens = decimals === -1 && number.places === 0 && number.text.endsWith('0');
  demand(
    tens || number.places === decimals, 'total',
    `${property} has ${number.places} decimals, the document says ${decimals}`,
  );
  const T = tens ? number.digits / 10n : number.digits;
  demand(T < 2n ** 56n, 'total', `${property} has too many digits`);
  const S = power(18 - decimals);
  return { T, S, h: S / 2n, text: number.text };
}

/** M, the mass of the product in 10^-9 kg, rounded half to even. */
function productMass(pcf) {
  const name = 'productMassPerDeclaredUnit';
  const { digits, places } = decimal(pcf, name);
  demand(digits >= 0n, 'total', `${name} is negative`);
  if (pcf.declaredUnitOfMeasurement === 'kilogram') {
    const same = equal({ digits, places }, decimal(pcf, 'declaredUnitAmount'));
    demand(same, 'total', `${name} is not the declared amount of kilograms`);
  }
  const M = nano(digits, places);
  demand(M < 2n ** 64n, 'total', `${name} is too large`);
  return M;
}

/** The numbers of a footprint that a document is about. Throws if they cannot be sealed. */
export function numbers(pcf, document) {
  const excluding = decimal(pcf, 'pcfExcludingBiogenicUptake');
  const including = decimal(pcf, 'pcfIncludingBiogenicUptake');
  demand(equal(excluding, including), 'total', 'with and without uptake it differs');
  demand(excluding.digits >= 0n, 'total', 'it is negative');
  for (const name of MUST_BE_ZERO) {
    const zero = (pcf[name] ?? null) === null || decimal(pcf, name).digits === 0n;
    demand(zero, 'total', `${name} is not 0`);
  }
  return { ...total(pcf, document.property, document.decimals), M: productMass(pcf) };
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const DATE = '(\\d{4})-(\\d\\d)-(\\d\\d)';
const CLOCK = '(\\d\\d):(\\d\\d)(?::(\\d\\d)(?:\\.\\d+)?)?';
const OFFSET = '(?:[Zz]|([+-])(\\d\\d)(?::?(\\d\\d))?)';
const TIME = new RegExp(`^${DATE}[Tt ]${CLOCK}${OFFSET}$`);
const FIRST_SECOND = -62_135_596_800; // 0001-01-01T00:00:00Z
const LAST_SECOND = 253_402_300_799;

/** The whole seconds since 1970 of a time, or undefined if the text is none ("The rules", 2). */
export function seconds(text) {
  const match = typeof text === 'string' && TIME.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((n) => Number(n ?? 0));
  const [offsetHour, offsetMinute] = [Number(match[8] ?? 0), Number(match[9] ?? 0)];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const last = month === 2 && leap ? 29 : DAYS[month - 1];
  const inRange = last !== undefined && day >= 1 && day <= last && hour <= 23 && minute <= 59
    && second <= 59 && offsetHour <= 23 && offsetMinute <= 59;
  if (!inRange) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const offset = (offsetHour * 60 + offsetMinute) * (match[7] === '-' ? -60 : 60);
  const found = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  return found >= FIRST_SECOND && found <= LAST_SECOND ? found : undefined;
}
