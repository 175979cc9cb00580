// The addresses that this server may call for somebody: public ones, and networks that the operator allows.
import ipaddr from "ipaddr.js";

/** Public addresses that are an inner service all the same: Azure's host agent, which gives out credentials. */
const innerServices = new Set(["168.63.129.16"]);
/** The only part of IPv6 that is assigned to the public (RFC 4291 §2.4, IANA's registry of unicast address assignments). */
const publicIpv6 = ipaddr.parseCIDR("2000::/3");

/**
 * Makes a check whether an address may be called. IPv4 addresses within IPv6 ones (mapped, NAT64, 6to4, Teredo) count as what they are
 * within, or are refused. Special ranges are those of IANA's registries (RFC 6890), as OWASP's SSRF prevention cheat sheet advises.
 * @param allowed addresses and CIDR networks that may be called although they are not public
 */
export function createAddressCheck(allowed: readonly string[]): (address: string) => boolean {
  const networks = allowed.map(networkOf);
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text);
    // A zone names an interface of this machine.
    if (address instanceof ipaddr.IPv6 && address.zoneId) return false;
    if (networks.some((network) => isWithin(address, network))) return true;
    if (address.range() !== "unicast" || innerServices.has(address.toString())) return false;
    return address instanceof ipaddr.IPv4 || isWithin(address, publicIpv6);
  };
}

type Address = ReturnType<typeof ipaddr.process>;
type Network = ReturnType<typeof ipaddr.parseCIDR>;

function networkOf(text: string): Network {
  if (text.includes("/")) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, address instanceof ipaddr.IPv4 ? 32 : 128];
}

function isWithin(address: Address, [start, bits]: Network): boolean {
  return address.kind() === start.kind() && address.match(start, bits);
}
