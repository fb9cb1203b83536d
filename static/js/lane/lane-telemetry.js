// @ts-check
// Counts how a lane does, minute by minute, until it can be sent.

const MINUTE_MS = 60_000;
/** Minutes without a connection that are sent afterwards. */
const KEPT_MAX = 5;

/** @typedef {{minute: string, fps: number, p50_ms: number | null, p95_ms: number | null, dropped: number,
 *   reconnects: number, camera: string}} Minute */

/** Returns the nearest-rank percentile. @param {number[]} sorted @param {number} share @returns {number | null} */
export function percentile(sorted, share) {
  if (!sorted.length) return null;
  return Math.round(10 * sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]) / 10;
}

export class LaneTelemetry {
  /** @type {number[]} ms from sending a frame to its answer */
  answers = [];
  dropped = 0;
  reconnects = 0;
  camera = "off";
  /** @type {Minute[]} whole minutes that were not sent yet */
  kept = [];

  /** @param {() => number} [clock] ms since 1970 */
  constructor(clock = Date.now) {
    this.clock = clock;
    this.beganAt = clock();
  }

  /** Notes an answered frame. @param {number} ms */
  answered(ms) {
    this.turn();
    this.answers.push(ms);
  }

  /** Notes frames for which the server had no time. @param {number} count */
  drop(count) {
    this.turn();
    this.dropped += count;
  }

  reconnected() {
    this.turn();
    this.reconnects += 1;
  }

  /** Returns the minutes that are over, each once. @returns {Minute[]} */
  take() {
    this.turn();
    return this.kept.splice(0);
  }

  /** Closes the minute when the next has begun. */
  turn() {
    const now = this.clock();
    const began = Math.floor(this.beganAt / MINUTE_MS);
    if (Math.floor(now / MINUTE_MS) === began) return;
    const sorted = this.answers.sort((a, b) => a - b);
    const seconds = Math.max(1, ((began + 1) * MINUTE_MS - this.beganAt) / 1000);
    this.kept.push({
      minute: new Date(began * MINUTE_MS).toISOString(),
      fps: Math.round((10 * sorted.length) / seconds) / 10,
      p50_ms: percentile(sorted, 0.5),
      p95_ms: percentile(sorted, 0.95),
      dropped: this.dropped,
      reconnects: this.reconnects,
      camera: this.camera,
    });
    this.kept = this.kept.slice(-KEPT_MAX);
    Object.assign(this, { answers: [], dropped: 0, reconnects: 0, beganAt: now });
  }
}
