// @ts-check
// Watches whether a camera gives a living picture: not muted, not standing still, not covered.

/** @typedef {"muted" | "frozen" | "dark"} Trouble */

const LOOK_EVERY_MS = 500;
/** In the dark cameras are slow, but none takes this long for one picture. */
const FROZEN_MS = 3000;
/** Cameras have noise: one that has never given the same picture twice in this many looks, and then gives only the
 *  same, stands still. A drawn or recorded scene repeats itself long before, and is never called frozen for that. */
const NOISE_LOOKS = 60;
const SAME_LOOKS = 6;
const DARK_LOOKS = 4;
/** Brightness from 0 to 255; darker than this nearly everywhere, even the black of a pack would be darkest. */
const DARK_BELOW = 28;
const DARK_SHARE = 0.98;
const WIDTH = 32;
const HEIGHT = 24;

/** Judges pictures by a few of their pixels, whatever they come from. */
export class PictureJudge {
  /** @type {Uint8ClampedArray | null} */
  last = null;
  different = 0;
  same = 0;
  dark = 0;

  /** @param {Uint8ClampedArray} pixels four numbers each, red, green and blue first @returns {Trouble | null} */
  judge(pixels) {
    const isSame = this.last !== null && pixels.every((value, at) => value === this.last?.[at]);
    this.last = pixels;
    this.dark = isDark(pixels) ? this.dark + 1 : 0;
    if (this.dark) {
      this.same = 0; // black has no noise
      return this.dark >= DARK_LOOKS ? "dark" : null;
    }
    if (!isSame) {
      this.different = this.same && this.different < NOISE_LOOKS ? 0 : this.different + 1;
      this.same = 0;
      return null;
    }
    this.same += 1;
    return this.different >= NOISE_LOOKS && this.same >= SAME_LOOKS ? "frozen" : null;
  }
}

/** @param {Uint8ClampedArray} pixels */
function isDark(pixels) {
  let dark = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    if (0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2] < DARK_BELOW) dark += 1;
  }
  return dark >= (DARK_SHARE * pixels.length) / 4;
}

export class CameraWatch {
  /** @type {Trouble | null} */
  trouble = null;

  /**
   * @param {import("./camera-source.js").CameraSource} source
   * @param {(trouble: Trouble | null) => void} changed
   */
  constructor(source, changed) {
    this.source = source;
    this.changed = changed;
    this.judge = new PictureJudge();
    this.canvas = document.createElement("canvas");
    this.canvas.width = WIDTH;
    this.canvas.height = HEIGHT;
    this.lookedAt = performance.now();
    this.aliveAt = this.lookedAt;
    this.shown = -1;
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.track = source.track;
    this.look = this.look.bind(this);
    for (const name of ["mute", "unmute"]) this.track?.addEventListener(name, this.look);
  }

  stop() {
    clearInterval(this.timer);
    for (const name of ["mute", "unmute"]) this.track?.removeEventListener(name, this.look);
  }

  look() {
    const trouble = this.found();
    if (trouble === this.trouble) return;
    this.trouble = trouble;
    this.changed(trouble);
  }

  /** @returns {Trouble | null} */
  found() {
    const now = performance.now();
    const wasAway = document.visibilityState === "hidden" || now - this.lookedAt > 3 * LOOK_EVERY_MS;
    this.lookedAt = now;
    const { element } = this.source;
    if (element.paused) void element.play().catch(() => {}); // browsers pause what is out of sight
    const shown = this.source.pictureAt || element.currentTime;
    const isNew = shown !== this.shown;
    this.shown = shown;
    if (wasAway || isNew) this.aliveAt = now;
    if (this.track?.muted) return "muted";
    if (now - this.aliveAt > FROZEN_MS) return "frozen";
    const context = this.canvas.getContext("2d", { willReadFrequently: true, alpha: false });
    if (!isNew || !this.source.ready || !context) return this.trouble === "muted" ? null : this.trouble;
    context.imageSmoothingEnabled = false; // single pixels keep their noise
    context.drawImage(element, 0, 0, WIDTH, HEIGHT);
    return this.judge.judge(context.getImageData(0, 0, WIDTH, HEIGHT).data);
  }
}
