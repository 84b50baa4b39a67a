/** What the kernel log says of a card. `address` is its place on the PCI bus, as the driver writes it. */
export type KernelLogEvent =
  | { readonly kind: 'xid'; readonly address: string; readonly number: number }
  | { readonly kind: 'lost'; readonly address: string };

/** `NVRM: Xid (PCI:0000:03:00): 79, pid=1, GPU has fallen off the bus`; MIG adds an instance to the address. */
const XID = /NVRM: Xid \(PCI:([\da-f:.]+)[^)]*\): (\d+)/i;
const OFF_THE_BUS = /fallen off the bus/i;
const ADDRESS = /\b[\da-f]{4,8}:[\da-f]{2}:[\da-f]{2}(?:\.\d)?\b/i;
/** The form without an Xid goes over three lines, of which only the first names the card. */
const LINES_OF_ONE_MESSAGE = 3;

/** Finds the events in the lines of a kernel log, in the form of `/dev/kmsg` or of dmesg; keeps what spans lines. */
export class KernelLogReader {
  #lastAddress = '';
  #linesSinceAddress = Infinity;

  /** The event that this line completes. A record of `/dev/kmsg` may hold several lines of a message in one. */
  read(line: string): KernelLogEvent | null {
    const [, address = '', number = ''] = XID.exec(line) ?? [];
    if (address !== '') return { kind: 'xid', address, number: Number(number) };
    this.#linesSinceAddress += 1;
    // Other drivers lose devices too, and in the same words.
    if (!line.includes('NVRM:')) return null;
    const named = ADDRESS.exec(line)?.[0];
    if (named !== undefined) {
      this.#lastAddress = named;
      this.#linesSinceAddress = 0;
    }
    if (!OFF_THE_BUS.test(line) || this.#linesSinceAddress >= LINES_OF_ONE_MESSAGE) return null;
    return { kind: 'lost', address: this.#lastAddress };
  }
}
