import { execa } from 'execa';

/** One message: `READY=1`, `STATUS=…` (sd_notify(3)). */
export type Notification = Readonly<Record<string, string>>;

interface NotifyTarget {
  /** `NOTIFY_SOCKET`. */
  readonly socket: string;
  /** Folders in which `systemd-notify` is looked for. */
  readonly path: string | undefined;
  /** Hears once that nothing can be sent. */
  readonly warn: (line: string) => void;
}

/** The program waits until its message was taken (`BARRIER=1`), by itself for at most 5 seconds. */
const SEND_TIMEOUT_MS = 10_000;

/**
 * Messages to the service manager, in order and one at a time, through the program `systemd-notify` (about 5 ms each):
 * Node.js cannot open unix datagram sockets. Sending never waits and never throws.
 */
export class NotifyChannel {
  readonly #target: NotifyTarget;
  readonly #waiting: Notification[] = [];
  #sending: Promise<void> | null = null;
  #hasWarned = false;

  constructor(target: NotifyTarget) {
    this.#target = target;
  }

  /** Takes the place of the message before it when that one still waits and says nothing else. */
  send(message: Notification): void {
    const last = this.#waiting.at(-1);
    if (last && Object.keys(last).every((key) => key in message)) this.#waiting.pop();
    this.#waiting.push(message);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when every message was taken or given up: at most 10 seconds each. */
  async settled(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await this.#sendOne(next);
    this.#sending = null;
  }

  async #sendOne(message: Notification): Promise<void> {
    const { socket, path, warn } = this.#target;
    const words = Object.entries(message).map(([key, value]) => `${key}=${value.replaceAll(/\s+/g, ' ')}`);
    const { failed, shortMessage } = await execa('systemd-notify', words, {
      env: { NOTIFY_SOCKET: socket, PATH: path },
      extendEnv: false,
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
      timeout: SEND_TIMEOUT_MS,
      reject: false,
    });
    if (!failed || this.#hasWarned) return;
    this.#hasWarned = true;
    warn(`The service manager cannot be told how Chorus is: ${shortMessage}`);
  }
}
