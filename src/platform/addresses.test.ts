import assert from "node:assert/strict";
import { test } from "node:test";
import { isPublicAddress, publicLookup, requirePublicHost } from "./addresses.ts";

const PUBLIC = [
  "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0",
  "169.253.255.255 172.15.255.255 172.32.0.0 192.167.255.255 223.255.255.255",
  "2001:4860:4860::8888 2606:4700::1111 3ffe::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1",
].flatMap((line) => line.split(" "));

const NOT_PUBLIC = [
  // this machine, and nothing in particular
  "127.0.0.1 127.255.255.255 0.0.0.0 0.1.2.3 ::1 ::",
  // private, carrier-grade NAT, link-local (the clouds' metadata service among them)
  "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255",
  "169.254.169.254 fe80::1 fe80::1%eth0 febf::1 fc00::1 fd12:3456::1 fec0::1",
  // multicast, broadcast, reserved, documentation, benchmarks
  "224.0.0.1 239.255.255.255 255.255.255.255 240.0.0.1 ff02::1 ff0e::1",
  "192.0.2.1 198.51.100.1 203.0.113.1 198.18.0.1 198.19.255.255 192.0.0.8 192.88.99.1",
  "2001:db8::1 3fff::1 100::1 2001::1 2001:20::1 5f00::1",
  // IPv4 inside of IPv6
  "::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.1.2.3 ::ffff:169.254.169.254 ::127.0.0.1 ::8.8.8.8",
  "64:ff9b::127.0.0.1 64:ff9b::a00:1 64:ff9b::169.254.169.254 64:ff9b:1::8.8.8.8",
  "2002:7f00:1:: 2002:a00:1::1 2002:c0a8:101::1 2002:a9fe:a9fe::1 2002:6440:1::1",
  // no addresses
  "localhost 1.2.3 0x7f000001 2130706433 127.1 ::ffff:999.1.1.1 1.1.1.1/8",
].flatMap((line) => line.split(" "));

test("tells public addresses from all others", () => {
  for (const address of PUBLIC) assert.equal(isPublicAddress(address), true, address);
  for (const address of NOT_PUBLIC) assert.equal(isPublicAddress(address), false, address);
});

test("an address in a URL is judged in whatever form it is written", () => {
  const refused = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "0", "%31%32%37.0.0.1"];
  refused.push("[::1]", "[::ffff:127.0.0.1]", "[::]", "[64:ff9b::7f00:1]", "127.0.0.1.", "①②⑦.0.0.1");
  for (const host of refused) {
    assert.throws(() => requirePublicHost(new URL(`http://${host}:80/`)), { code: "forbidden" }, host);
  }
  for (const host of ["1.1.1.1", "[2606:4700::1111]", "example.com", "localhost"]) {
    requirePublicHost(new URL(`http://${host}/`));
  }
});

test("a name is looked up to public addresses only", async () => {
  for (const all of [true, false]) {
    const { promise, resolve } = Promise.withResolvers<Error | null>();
    publicLookup("localhost", { all }, (error, found) => {
      assert.deepEqual(found, []);
      resolve(error);
    });
    assert.equal((await promise)?.message, "localhost is not a public address");
  }
});
