// @ts-check
// Whether anybody is still at the lane: asks after a while without a sign of life, and gives up after another.

const CHECK_MS = 250;

/** Events: "ask", "count" (detail: {left_s}) while asking, "back" when somebody is there after all, "gone". */
export class IdleWatch extends EventTarget {
  isAsking = false;
  isPaused = false;

  /** @param {{after_s: number, countdown_s: number}} times @param {() => number} [clock] in ms */
  constructor(times, clock = () => performance.now()) {
    super();
    this.times = times;
    this.clock = clock;
    this.signAt = clock();
    this.askedAt = 0;
    this.timer = 0;
  }

  start() {
    this.signAt = this.clock();
    if (!this.timer) this.timer = setInterval(() => this.check(), CHECK_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.isAsking = false;
  }

  /** Lets time stand still while the shopper waits for something. @param {boolean} paused */
  pause(paused) {
    this.isPaused = paused;
    this.sign();
  }

  /** Notes a sign of life. */
  sign() {
    this.signAt = this.clock();
    if (!this.isAsking) return;
    this.isAsking = false;
    this.dispatchEvent(new Event("back"));
  }

  check() {
    const now = this.clock();
    if (this.isPaused) this.signAt = now;
    else if (!this.isAsking && now - this.signAt >= 1000 * this.times.after_s) this.ask(now);
    else if (this.isAsking) this.count(now);
  }

  /** @param {number} now */
  ask(now) {
    this.isAsking = true;
    this.askedAt = now;
    this.dispatchEvent(new Event("ask"));
    if (this.isAsking) this.count(now);
  }

  /** @param {number} now */
  count(now) {
    const left_s = this.times.countdown_s - (now - this.askedAt) / 1000;
    if (left_s > 0) {
      this.dispatchEvent(new CustomEvent("count", { detail: { left_s } }));
      return;
    }
    this.stop();
    this.dispatchEvent(new Event("gone"));
  }
}
