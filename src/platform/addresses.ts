import { lookup } from "node:dns";
import { BlockList, isIPv4, isIPv6 } from "node:net";
import type { LookupFunction } from "node:net";
import { MakimaError } from "../core/errors.ts";

/**
 * Whether an IP address belongs to the public internet: not to this machine, its networks, or a use of its own. An
 * address that carries an IPv4 address (mapped, NAT64, 6to4) is judged by that one.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !SPECIAL.check(address, "ipv4");
  return isIPv6(address) && GLOBAL.check(address, "ipv6") && !SPECIAL.check(address, "ipv6");
}

/**
 * Throws `forbidden` for a URL whose host is an address that is not public. Names pass: they are judged by the addresses
 * that `publicLookup` finds for them. URLs write every form of an IPv4 address (decimal, octal, hex) in the usual one.
 */
export function requirePublicHost({ hostname }: URL): void {
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  if ((isIPv4(address) || isIPv6(address)) && !isPublicAddress(address)) throw notPublic(hostname);
}

/**
 * Finds public addresses only; fails with `forbidden` where a name has none. As the `lookup` of a connection it is asked
 * for the very addresses that are connected to, so a name cannot mean another one by then.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error !== null) return callback(error, []);
    const allowed = found.filter(({ address }) => isPublicAddress(address));
    const [first] = allowed;
    if (first === undefined) return callback(notPublic(hostname), []);
    if (options.all === true) return callback(null, allowed);
    return callback(null, first.address, first.family);
  });
};

/** IPv4 that is not for the public internet (IANA's registry of special purposes, and multicast). */
const SPECIAL_IPV4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const;

/** The same inside of the one range that IPv6 gives out: protocol assignments with Teredo, documentation. */
const SPECIAL_IPV6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["3fff::", 20],
] as const;

/** IPv6 that is in public use: what is given out, and NAT64's and the mapped forms of IPv4. */
const GLOBAL_IPV6 = [
  ["2000::", 3],
  ["64:ff9b::", 96],
  ["::ffff:0:0", 96],
] as const;

const SPECIAL = new BlockList();
for (const [network, bits] of SPECIAL_IPV4) {
  // A mapped address is compared with the rules for IPv4 by itself.
  SPECIAL.addSubnet(network, bits, "ipv4");
  SPECIAL.addSubnet(`64:ff9b::${network}`, 96 + bits, "ipv6");
  SPECIAL.addSubnet(sixToFour(network), 16 + bits, "ipv6");
}
for (const [network, bits] of SPECIAL_IPV6) SPECIAL.addSubnet(network, bits, "ipv6");

const GLOBAL = new BlockList();
for (const [network, bits] of GLOBAL_IPV6) GLOBAL.addSubnet(network, bits, "ipv6");

function sixToFour(ipv4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split(".").map(Number);
  return `2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::`;
}

function notPublic(host: string): MakimaError {
  return new MakimaError("forbidden", `${host} is not a public address`, {
    hint: "Set `allowPrivate = true` for a webhook of the own network.",
  });
}
