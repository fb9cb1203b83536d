// @ts-check
// Sends pictures as fast as they are answered and no faster: one or two on their way, never a queue.

/** @typedef {{element: HTMLVideoElement | HTMLCanvasElement, width: number, height: number, ready: boolean,
 *   shownAt: number}} Picture shownAt: when what it shows now came, in ms */

const WIDTH = 640;
const HEIGHT = 480;
const QUALITY = 0.8;
const FASTEST_MS = 100;
const SLOWEST_MS = 1000;
const SLOW_ANSWER_MS = 400;
const LOST_AFTER_MS = 4000;

/** Returns the largest 4:3 window in the middle of a picture. @param {number} width @param {number} height */
export function middle(width, height) {
  const shape = WIDTH / HEIGHT;
  const w = Math.min(width, height * shape);
  const h = w / shape;
  return { x: (width - w) / 2, y: (height - h) / 2, w, h };
}

export class FramePump {
  sent = 0;
  /** @type {Map<number, {takenAt: number, sentAt: number}>} by number of the frame */
  waiting = new Map();
  restUntil = 0;

  /**
   * @param {() => Picture | null} look returns what the camera sees now
   * @param {(frame: Blob) => boolean} send
   * @param {import("../connection/answer-speed.js").AnswerSpeed} speed is told how long answers take
   */
  constructor(look, send, speed) {
    this.look = look;
    this.send = send;
    this.speed = speed;
    this.canvas = document.createElement("canvas");
    this.canvas.width = WIDTH;
    this.canvas.height = HEIGHT;
    this.timer = 0;
    this.answerMs = FASTEST_MS;
    this.fastestMs = FASTEST_MS;
    this.paceMs = FASTEST_MS;
  }

  /** Forgets what was on its way; the server counts from 1 on every connection. */
  reset() {
    this.sent = 0;
    this.waiting.clear();
    this.speed.reset();
  }

  start() {
    if (!this.timer) this.timer = setTimeout(() => this.turn(), 0);
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.speed.reset();
  }

  /** Waits before the next picture, because the server cannot look at it now. */
  rest() {
    this.restUntil = performance.now() + SLOWEST_MS;
  }

  /** @param {number} perSecond most frames the server takes */
  limit(perSecond) {
    this.fastestMs = Math.max(FASTEST_MS, 1000 / perSecond);
  }

  /** @param {number} [everyMs] how long the server asks to wait from one frame to the next */
  pace(everyMs = FASTEST_MS) {
    this.paceMs = everyMs;
  }

  /**
   * Notes an answer: it answers its frame, and whatever came before it was left out.
   * @param {number} frame
   * @param {boolean} [tooLate] whether the server had no time for it
   * @returns {number} when that frame was taken
   */
  answered(frame, tooLate = false) {
    const now = performance.now();
    const { takenAt, sentAt } = this.waiting.get(frame) ?? { takenAt: now, sentAt: null };
    if (tooLate) this.speed.refused();
    else if (sentAt !== null) this.speed.answered(now - sentAt);
    if (sentAt !== null) this.answerMs += 0.2 * (now - sentAt - this.answerMs);
    for (const number of this.waiting.keys()) if (number <= frame) this.waiting.delete(number);
    return takenAt;
  }

  get credit() {
    return this.answerMs > SLOW_ANSWER_MS ? 1 : 2;
  }

  get intervalMs() {
    return Math.min(SLOWEST_MS, Math.max(this.fastestMs, this.paceMs, this.answerMs / this.credit));
  }

  async turn() {
    const began = performance.now();
    const mine = this.timer;
    for (const [number, { sentAt }] of this.waiting) {
      this.speed.waiting(began - sentAt);
      if (began - sentAt > LOST_AFTER_MS) this.waiting.delete(number);
    }
    if (this.waiting.size < this.credit) await this.sendOne();
    if (this.timer !== mine) return;
    const now = performance.now();
    const wait = Math.max(10, began + this.intervalMs - now, this.restUntil - now);
    this.timer = setTimeout(() => this.turn(), wait);
  }

  async sendOne() {
    const picture = this.look();
    const context = this.canvas.getContext("2d", { alpha: false });
    if (!picture?.ready || !context) return;
    const { x, y, w, h } = middle(picture.width, picture.height);
    const takenAt = picture.shownAt;
    context.drawImage(picture.element, x, y, w, h, 0, 0, WIDTH, HEIGHT);
    /** @type {Blob | null} */
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (blob && this.timer && this.send(blob)) {
      this.sent += 1;
      this.waiting.set(this.sent, { takenAt, sentAt: performance.now() });
    }
  }
}
