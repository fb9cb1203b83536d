// @ts-check
// Whether the server takes longer over pictures than a shopper has patience for.

const REMEMBERED = 5;
/** Half of the last answers took longer than this: slow. Only well below it is slow over. */
const SLOW_MS = 700;
const BRISK_MS = 450;
/** A picture that has waited this long is an answer too. */
const OVERDUE_MS = 1500;
/** What is said stays long enough to be read. */
const SHORTEST_MS = 2000;

/** Events: "change" when `isSlow` did, "answer" (detail: {ms}). */
export class AnswerSpeed extends EventTarget {
  isSlow = false;
  changedAt = -Infinity;
  /** @type {number[]} in ms; Infinity for a picture that came too late or was refused for lack of time */
  answers = [];

  /** Notes how long an answer took. @param {number} ms */
  answered(ms) {
    this.dispatchEvent(new CustomEvent("answer", { detail: { ms } }));
    this.answers = [...this.answers, ms].slice(-REMEMBERED);
    const sorted = [...this.answers].sort((a, b) => a - b);
    if (sorted.length < REMEMBERED) return;
    const median = sorted[REMEMBERED >> 1];
    if (median > SLOW_MS) this.turn(true);
    else if (median < BRISK_MS && performance.now() - this.changedAt > SHORTEST_MS) this.turn(false);
  }

  /** Notes a picture for which the server had no time. */
  refused() {
    this.answered(Infinity);
  }

  /** Notes how long the oldest picture without an answer has been waiting. @param {number} ms */
  waiting(ms) {
    if (ms > OVERDUE_MS) this.turn(true);
  }

  /** Forgets everything, for a new connection or a pause. */
  reset() {
    this.answers = [];
    this.turn(false);
  }

  /** @param {boolean} slow */
  turn(slow) {
    if (slow === this.isSlow) return;
    this.isSlow = slow;
    this.changedAt = performance.now();
    this.dispatchEvent(new Event("change"));
  }
}
