// @ts-check
// Draws a box and a name on every item in view; boxes glide between answers so that they keep up.

import { say } from "./options.js";

/** @typedef {import("./protocol.js").Detection} Detection */
/** @typedef {import("./protocol.js").ItemState} ItemState */
/** @typedef {{box: number[], goal: number[], speed: number[], at: number, seen: boolean, detection: Detection}} Mark */

const GLIDE_MS = 70;
const AHEAD_MS = 140;
const GONE_AFTER_MS = 400;

/** Colour, dash pattern in units of the line's width, and width: a state is told by its shape as well. */
const LOOKS = /** @type {Record<ItemState, {colour: string, dash: number[], width: number, sign: string}>} */ ({
  candidate: { colour: "#ffffff", dash: [3, 3], width: 2, sign: "" },
  accepted: { colour: "#5fe3c6", dash: [], width: 4, sign: "✓ " },
  ambiguous: { colour: "#ffc66b", dash: [6, 3], width: 4, sign: "? " },
  unknown: { colour: "#ff9d94", dash: [0.1, 2.2], width: 4, sign: "– " },
});

export class BoxOverlay {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.mirrored = false;
    /** @type {Map<number, Mark>} */
    this.marks = new Map();
    this.request = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.sizes = new ResizeObserver(() => this.fit());
  }

  start() {
    this.sizes.observe(this.canvas);
    this.fit();
  }

  stop() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.request);
    this.request = 0;
    this.marks.clear();
  }

  fit() {
    const scale = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.canvas.clientWidth * scale);
    this.canvas.height = Math.round(this.canvas.clientHeight * scale);
    this.wake();
  }

  /** @param {Detection[]} detections */
  show(detections) {
    const now = performance.now();
    for (const mark of this.marks.values()) mark.seen = false;
    for (const detection of detections) {
      const known = this.marks.get(detection.track);
      const goal = [...detection.box];
      if (known) {
        const passed = Math.max(now - known.at, 1);
        known.speed = goal.map((value, axis) => (axis < 2 && passed < 500 ? (value - known.goal[axis]) / passed : 0));
        Object.assign(known, { goal, at: now, seen: true, detection });
      } else {
        this.marks.set(detection.track, { box: goal, goal, speed: [0, 0, 0, 0], at: now, seen: true, detection });
      }
    }
    this.wake();
  }

  wake() {
    if (!this.request) {
      this.drawnAt = performance.now();
      this.request = requestAnimationFrame((now) => this.draw(now));
    }
  }

  /** @param {number} now */
  draw(now) {
    this.request = 0;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const passed = Math.max(0, now - (this.drawnAt ?? now));
    this.drawnAt = now;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const [track, mark] of this.marks) {
      if (!mark.seen && (this.still.matches || now - mark.at > GONE_AFTER_MS)) this.marks.delete(track);
      else this.drawMark(context, mark, now, passed);
    }
    if (this.marks.size) this.request = requestAnimationFrame((next) => this.draw(next));
  }

  /** @param {CanvasRenderingContext2D} context @param {Mark} mark @param {number} now @param {number} passed */
  drawMark(context, mark, now, passed) {
    const ahead = this.still.matches ? 0 : Math.min(now - mark.at, AHEAD_MS);
    const share = this.still.matches ? 1 : 1 - Math.exp(-passed / GLIDE_MS);
    mark.box = mark.box.map((value, axis) => value + (mark.goal[axis] + mark.speed[axis] * ahead - value) * share);
    const { width, height } = this.canvas;
    const scale = devicePixelRatio || 1;
    const look = LOOKS[mark.detection.state];
    const w = mark.box[2] * width;
    const h = mark.box[3] * height;
    const x = this.mirrored ? width - mark.box[0] * width - w : mark.box[0] * width;
    const y = mark.box[1] * height;
    context.globalAlpha = mark.seen ? 1 : 0.4;
    context.lineWidth = look.width * scale;
    context.lineCap = "round";
    context.setLineDash(look.dash.map((length) => length * look.width * scale));
    context.strokeStyle = "rgb(9 18 15 / 55%)";
    context.lineWidth += 2 * scale;
    this.outline(context, x, y, w, h, 14 * scale);
    context.lineWidth -= 2 * scale;
    context.strokeStyle = look.colour;
    this.outline(context, x, y, w, h, 14 * scale);
    this.label(context, mark.detection, look, x, y, h, scale);
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} x @param {number} y @param {number} w @param {number} h @param {number} radius
   */
  outline(context, x, y, w, h, radius) {
    context.beginPath();
    context.roundRect(x, y, w, h, Math.min(radius, w / 2, h / 2));
    context.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {Detection} detection
   * @param {{colour: string, sign: string}} look
   * @param {number} x @param {number} y @param {number} h @param {number} scale
   */
  label(context, detection, look, x, y, h, scale) {
    const named = detection.state === "accepted" && detection.name;
    const words = look.sign + (named ? detection.name : say(`label_${detection.state === "accepted" ? "candidate" : detection.state}`));
    context.font = `600 ${16 * scale}px ${getComputedStyle(this.canvas).fontFamily}`;
    const pad = 10 * scale;
    const tall = 30 * scale;
    const wide = Math.min(context.measureText(words).width + 2 * pad, this.canvas.width - 8 * scale);
    const left = Math.max(4 * scale, Math.min(x, this.canvas.width - wide - 4 * scale));
    const above = y - tall - 6 * scale;
    const top = above > 4 * scale ? above : Math.min(y + 8 * scale, y + h);
    context.setLineDash([]);
    context.fillStyle = "rgb(9 18 15 / 86%)";
    context.beginPath();
    context.roundRect(left, top, wide, tall, tall / 2);
    context.fill();
    context.fillStyle = look.colour;
    context.textBaseline = "middle";
    context.fillText(words, left + pad, top + tall / 2 + scale, wide - 2 * pad);
  }
}
