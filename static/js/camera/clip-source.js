// @ts-check
// A recorded clip instead of a camera: a list of pictures, shown at their own pace.

/** @typedef {{fps: number, frames: string[]}} ClipPlan */

export class ClipSource {
  /** @param {HTMLCanvasElement} canvas @param {() => void} onEnd */
  constructor(canvas, onEnd) {
    this.element = canvas;
    this.onEnd = onEnd;
    /** @type {Promise<Blob>[]} */
    this.pictures = [];
    this.timer = 0;
    this.shown = 0;
    this.shownAt = performance.now();
    this.ready = false;
    this.paused = true;
    this.stopped = false;
  }

  get width() {
    return this.element.width;
  }

  get height() {
    return this.element.height;
  }

  /** @param {string} address of clip.json */
  async start(address) {
    const base = new URL(address, location.href);
    const answer = await fetch(base);
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    /** @type {ClipPlan} */
    const plan = await answer.json();
    this.plan = plan;
    this.base = base;
    await this.show(0);
    this.ready = true;
    this.timer = setInterval(() => this.step(), 1000 / plan.fps);
  }

  stop() {
    this.stopped = true;
    clearInterval(this.timer);
    this.pictures = [];
  }

  /** Shows the next picture; while paused, or while one is still on its way, the clip stands still. */
  async step() {
    if (this.paused || this.busy || !this.plan) return;
    if (this.shown + 1 >= this.plan.frames.length) {
      this.stop();
      this.onEnd();
      return;
    }
    this.busy = true;
    try {
      await this.show(this.shown + 1);
    } finally {
      this.busy = false;
    }
  }

  /** @param {number} number */
  async show(number) {
    for (let ahead = number; ahead < Math.min(number + 10, this.plan?.frames.length ?? 0); ahead += 1) {
      this.pictures[ahead] ??= this.load(ahead);
    }
    const picture = await createImageBitmap(await this.pictures[number]);
    if (!this.stopped) {
      this.element.width = picture.width;
      this.element.height = picture.height;
      this.element.getContext("2d")?.drawImage(picture, 0, 0);
      this.shown = number;
      this.shownAt = performance.now();
      delete this.pictures[number];
    }
    picture.close();
  }

  /** @param {number} number */
  async load(number) {
    const answer = await fetch(new URL(this.plan?.frames[number] ?? "", this.base));
    if (!answer.ok) throw new Error(`Picture ${number} of the clip: ${answer.status}`);
    return answer.blob();
  }
}
