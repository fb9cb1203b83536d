// @ts-check
// Where an item is now: every box belongs to the moment its frame was taken, and answers come later than that.

/** @typedef {import("../connection/protocol.js").Box} Box */
/** @typedef {[number, number, number, number]} Edges left, top, right, bottom */

// Chosen on simulated packs carried in, held and carried out: with answers after 60 ms the boxes are a third to a
// half less far off than boxes that wait for the answer, with answers after 350 ms about as far.
const AHEAD_MS = 150;
const FORGET_MS = 700;
const NEW_SHARE = 0.8;
const GLIDE_MS = 30;
const STILL_PER_MS = 8e-5; // slower than this is the detector's trembling, not movement
const RIM = 0.015;

/** @param {Box} box @returns {Edges} */
function edgesOf([x, y, w, h]) {
  return [x, y, x + w, y + h];
}

export class BoxMotion {
  /** @param {Box} box @param {number} at when its frame was taken, in ms */
  constructor(box, at) {
    /** @type {Edges} */
    this.edges = edgesOf(box);
    /** @type {Edges} in shares of the frame per ms */
    this.speed = [0, 0, 0, 0];
    /** @type {Edges} what is drawn */
    this.drawn = [...this.edges];
    this.at = at;
    this.known = false;
  }

  /** Takes in where the item was in a later frame; an older one is left out. @param {Box} box @param {number} at */
  seen(box, at) {
    const passed = at - this.at;
    if (passed <= 0) return;
    const next = edgesOf(box);
    const measured = next.map((edge, side) => (passed < FORGET_MS ? (edge - this.edges[side]) / passed : 0));
    const share = this.known && passed < FORGET_MS ? NEW_SHARE : 1;
    for (const [low, high] of [[0, 2], [1, 3]]) {
      // An item that comes in over the rim grows there; one in full view keeps its size and moves as a whole.
      if (next[low] > RIM && next[high] < 1 - RIM) {
        measured[low] = measured[high] = (measured[low] + measured[high]) / 2;
      }
      for (const side of [low, high]) {
        const speed = this.speed[side] + share * (measured[side] - this.speed[side]);
        this.speed[side] = Math.abs(speed) < STILL_PER_MS ? 0 : speed;
      }
    }
    this.edges = next;
    this.at = at;
    this.known = true;
  }

  /** Returns where the item should be. @param {number} now @returns {Edges} */
  expected(now) {
    const ahead = Math.max(0, Math.min(now - this.at, AHEAD_MS));
    return /** @type {Edges} */ (this.edges.map((edge, side) => edge + this.speed[side] * ahead));
  }

  /**
   * Moves what is drawn towards where the item should be.
   * @param {number} now @param {number} passed ms since it was drawn last
   * @param {boolean} glides or jumps, for those who want less motion
   * @returns {Box}
   */
  draw(now, passed, glides) {
    const goal = glides ? this.expected(now) : this.edges;
    const share = glides ? 1 - Math.exp(-passed / GLIDE_MS) : 1;
    this.drawn = /** @type {Edges} */ (this.drawn.map((edge, side) => edge + (goal[side] - edge) * share));
    const [left, top, right, bottom] = this.drawn;
    return [left, top, right - left, bottom - top];
  }
}
