// @ts-check
// A WebSocket that reconnects by itself, and notices when the other side has gone silent.

/** @typedef {"connecting" | "on" | "silent" | "off" | "refused"} LinkState */

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 8000;
/** After a close for too much traffic: doubled each time, until a connection has held for a minute. */
const SLOW_FIRST_WAIT_MS = 4000;
const SLOW_LONGEST_WAIT_MS = 60_000;
const CALM_AFTER_MS = 60_000;
const CHECK_EVERY_MS = 100;
const CONNECTING_MS = 12_000;
/** A check this late says that the page was held up, not the server. */
const LATE_CHECK_MS = 300;
const CLOSE_UNAUTHENTICATED = 4401;
const CLOSE_FORBIDDEN = 4403;
const CLOSE_UNKNOWN = 4404;
const CLOSE_NOT_ACTIVE = 4409;
const CLOSE_REPLACED = 4410;
const CLOSE_FLOODING = 4429;

/**
 * After how long a silence, in ms, the server is asked for a sign of life, said to be lost, and connected to again.
 * @typedef {{ping: number, said: number, again: number}} Patience
 */

/** Events: "message" (detail: the message), "state" (detail: {state, code}). */
export class SteadySocket extends EventTarget {
  /**
   * @param {string} path
   * @param {string} readyType type of the message with which the server says that it serves
   * @param {Patience} patience
   * @param {number[]} final codes of closing after which nothing is tried again
   */
  constructor(path, readyType, patience, final) {
    super();
    this.readyType = readyType;
    this.patience = patience;
    this.final = new Set([CLOSE_UNAUTHENTICATED, CLOSE_FORBIDDEN, ...final]);
    const address = new URL(path, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.address = address;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.tries = 0;
    this.slowDowns = 0;
    this.slowUntil = 0;
    this.askedToWaitMs = 0;
    this.readyAt = Infinity;
    this.answeredAt = 0;
    this.checkedAt = 0;
    this.pingedAt = 0;
    this.isReady = false;
    this.isSilent = false;
    this.timer = 0;
    this.pulse = 0;
    this.wake = () => this.tryNow();
  }

  open() {
    addEventListener("online", this.wake);
    document.addEventListener("visibilitychange", this.wake);
    this.checkedAt = performance.now();
    this.pulse = setInterval(() => this.check(), CHECK_EVERY_MS);
    this.connect();
  }

  close() {
    removeEventListener("online", this.wake);
    document.removeEventListener("visibilitychange", this.wake);
    clearInterval(this.pulse);
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Whether there is a connection, and the server answers on it. */
  get isAnswering() {
    return this.isOpen && this.isReady && !this.isSilent;
  }

  /** Sends a command; false when nobody answers: nothing is kept for later. @param {Record<string, unknown>} command */
  command(command) {
    if (!this.isAnswering) return false;
    this.socket?.send(JSON.stringify(command));
    return true;
  }

  /** Sends a picture, likewise. @param {Blob} picture */
  picture(picture) {
    if (!this.isAnswering) return false;
    this.socket?.send(picture);
    return true;
  }

  connect() {
    clearTimeout(this.timer);
    const socket = new WebSocket(this.address);
    this.socket = socket;
    this.answeredAt = performance.now();
    this.isReady = false;
    this.isSilent = false;
    this.readyAt = Infinity;
    this.tell("connecting");
    socket.addEventListener("message", (event) => {
      if (socket !== this.socket || typeof event.data !== "string") return;
      this.answered();
      const message = JSON.parse(event.data);
      if (message.type === this.readyType) {
        this.tries = 0;
        this.isReady = true;
        this.readyAt = performance.now();
        this.tell("on");
      }
      if (message.type === "error" && message.code === "too_many_connections") {
        this.askedToWaitMs = 1000 * (message.data?.retry_after_s ?? 0);
        return;
      }
      this.dispatchEvent(new CustomEvent("message", { detail: message }));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.lost(event.code);
    });
  }

  /** @param {number} code */
  lost(code) {
    this.socket = null;
    this.isReady = false;
    this.isSilent = false;
    if (this.final.has(code)) {
      clearInterval(this.pulse);
      this.tell("refused", code);
      return;
    }
    if (code === CLOSE_REPLACED) this.replaced();
    const wait = code === CLOSE_FLOODING ? this.slowDown() : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.tries);
    const spread = code === CLOSE_FLOODING ? 1 + 0.3 * Math.random() : 0.7 + 0.6 * Math.random();
    this.tries += 1;
    this.tell("off", code);
    this.timer = setTimeout(() => this.connect(), wait * spread);
  }

  /** Another connection has taken the place of this one, which will try again. */
  replaced() {}

  /** Returns how long to wait after having been closed for too much traffic. */
  slowDown() {
    if (performance.now() - this.readyAt > CALM_AFTER_MS) this.slowDowns = 0;
    const wait = Math.max(this.askedToWaitMs, Math.min(SLOW_LONGEST_WAIT_MS, SLOW_FIRST_WAIT_MS * 2 ** this.slowDowns));
    this.slowDowns += 1;
    this.slowUntil = performance.now() + wait;
    this.askedToWaitMs = 0;
    return wait;
  }

  /** How many seconds the server wants this page to keep quiet yet. */
  get slowForS() {
    return Math.ceil((this.slowUntil - performance.now()) / 1000);
  }

  /** Connects at once when the network or the shopper comes back, or asks for it; never when told to slow down. */
  tryNow() {
    if (performance.now() < this.slowUntil) return;
    if (document.visibilityState === "visible" && !this.socket && this.tries > 0) this.connect();
  }

  /** Notes a sign of life. */
  answered() {
    this.answeredAt = performance.now();
    if (!this.isSilent) return;
    this.isSilent = false;
    this.tell("on");
  }

  /** Asks for a sign of life; says when there is none, and replaces a connection that stays silent. */
  check() {
    const now = performance.now();
    const late = now - this.checkedAt - CHECK_EVERY_MS;
    this.checkedAt = now;
    if (!this.socket) return;
    if (late > LATE_CHECK_MS) this.answeredAt += Math.min(late, now - this.answeredAt);
    const silence = now - this.answeredAt;
    if (silence > (this.isReady ? this.patience.again : CONNECTING_MS)) {
      const silent = this.socket;
      this.lost(0);
      silent.close();
    } else if (this.isReady) {
      if (silence > this.patience.ping && now - this.pingedAt > this.patience.ping) this.ping(now);
      if (silence > this.patience.said && !this.isSilent) {
        this.isSilent = true;
        this.tell("silent");
      }
    }
  }

  /** @param {number} now */
  ping(now) {
    this.pingedAt = now;
    if (this.isOpen) this.socket?.send(JSON.stringify({ type: "ping" }));
  }

  /** @param {LinkState} state @param {number} [code] */
  tell(state, code = 0) {
    this.dispatchEvent(new CustomEvent("state", { detail: { state, code } }));
  }
}

export const closeCodes = {
  unauthenticated: CLOSE_UNAUTHENTICATED,
  forbidden: CLOSE_FORBIDDEN,
  unknown: CLOSE_UNKNOWN,
  notActive: CLOSE_NOT_ACTIVE,
  replaced: CLOSE_REPLACED,
  flooding: CLOSE_FLOODING,
};
