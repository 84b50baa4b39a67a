import { readFileSync } from 'node:fs';

/** Ports between two blocks: vLLM looks upward from its first port for free ones, a few for each worker. */
const BLOCK_PORTS = 200;
const FIRST_PORT = 21_000;
const LAST_PORT = 65_535;

/**
 * First port of a block for the internal connections of engine number `slot` (0, 1, …): blocks do not overlap and lie
 * outside the range from which the kernel takes ports for outgoing connections, as far as there is room.
 */
export function portBlock(slot: number, ephemeral: PortRange = ephemeralPorts()): number {
  const wanted = FIRST_PORT + slot * BLOCK_PORTS;
  const overlaps = wanted + BLOCK_PORTS > ephemeral.first && wanted <= ephemeral.last;
  if (!overlaps) return wanted;
  const above = ephemeral.last + 1 + slot * BLOCK_PORTS;
  return above + BLOCK_PORTS <= LAST_PORT ? above : wanted;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `net.ipv4.ip_local_port_range`; the kernel's default where it cannot be read. */
function ephemeralPorts(): PortRange {
  try {
    const [first, last] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number);
    if (first !== undefined && last !== undefined) return { first, last };
  } catch {
    // not Linux
  }
  return { first: 32_768, last: 60_999 };
}
