// @ts-check
// Draws a box and a name on every item in view; boxes run ahead of the answers so that they keep up.

import { BoxMotion } from "./box-motion.js";
import { say } from "../options.js";

/** @typedef {import("../connection/protocol.js").Detection} Detection */
/** @typedef {import("../connection/protocol.js").FrameDebug} FrameDebug */
/** @typedef {import("../connection/protocol.js").ItemState} ItemState */
/** @typedef {import("../connection/protocol.js").Box} Box */
/** @typedef {{motion: BoxMotion, answeredAt: number, seen: boolean, detection: Detection}} Mark */
/** @typedef {{colour: string, dash: number[], width: number, sign: string}} Look */

const GONE_AFTER_MS = 400;
const STALE_AFTER_MS = 350;
const SHADE = "rgb(9 18 15 / 86%)";
/** Room of the sign for the connection, in CSS pixels from the upper left corner. */
const PILL = { wide: 165, tall: 50 };

/** Colour, dash pattern in units of the line's width, and width: a state is told by its shape as well. */
export const LOOKS = /** @type {Record<ItemState, Look>} */ ({
  candidate: { colour: "#ffffff", dash: [3, 3], width: 2, sign: "" },
  accepted: { colour: "#5fe3c6", dash: [], width: 4, sign: "✓ " },
  ambiguous: { colour: "#ffc66b", dash: [6, 3], width: 4, sign: "? " },
  unknown: { colour: "#ff9d94", dash: [0.1, 2.2], width: 4, sign: "– " },
});

export class BoxOverlay {
  /** @param {HTMLCanvasElement} canvas @param {() => number} shownAt when the picture in view was taken, in ms */
  constructor(canvas, shownAt) {
    this.canvas = canvas;
    this.shownAt = shownAt;
    this.mirrored = false;
    /** @type {FrameDebug | null} what the engine proposed, while that is asked for */
    this.debug = null;
    /** @type {Map<number, Mark>} */
    this.marks = new Map();
    this.request = 0;
    this.scale = 1;
    this.family = "sans-serif";
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
    this.scale = devicePixelRatio || 1;
    this.family = getComputedStyle(this.canvas).fontFamily;
    this.canvas.width = Math.round(this.canvas.clientWidth * this.scale);
    this.canvas.height = Math.round(this.canvas.clientHeight * this.scale);
    this.wake();
  }

  /**
   * @param {Detection[]} detections
   * @param {number} [takenAt] when the frame they belong to was taken
   * @param {FrameDebug | null} [debug]
   */
  show(detections, takenAt = this.shownAt(), debug = null) {
    const answeredAt = performance.now();
    this.debug = debug;
    for (const mark of this.marks.values()) mark.seen = false;
    for (const detection of detections) {
      const known = this.marks.get(detection.track);
      if (known) {
        known.motion.seen(detection.box, takenAt);
        Object.assign(known, { answeredAt, seen: true, detection });
      } else {
        const motion = new BoxMotion(detection.box, takenAt);
        this.marks.set(detection.track, { motion, answeredAt, seen: true, detection });
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
    for (const proposal of this.debug?.proposals ?? []) this.drawProposal(context, proposal);
    for (const [track, mark] of this.marks) {
      if (!mark.seen && (this.still.matches || now - mark.answeredAt > GONE_AFTER_MS)) this.marks.delete(track);
      else this.drawMark(context, mark, passed);
    }
    if (this.marks.size) this.request = requestAnimationFrame((next) => this.draw(next));
  }

  /** Returns a box in pixels of the canvas. @param {Box} box @returns {Box} */
  placed([x, y, w, h]) {
    const { width, height } = this.canvas;
    return [(this.mirrored ? 1 - x - w : x) * width, y * height, w * width, h * height];
  }

  /** @param {CanvasRenderingContext2D} context @param {Box} proposal */
  drawProposal(context, proposal) {
    context.setLineDash([4 * this.scale, 4 * this.scale]);
    for (const [colour, width] of /** @type {[string, number][]} */ ([["rgb(9 18 15 / 70%)", 3], ["#9fc4ff", 1.5]])) {
      context.strokeStyle = colour;
      context.lineWidth = width * this.scale;
      context.strokeRect(...this.placed(proposal));
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {Mark} mark @param {number} passed */
  drawMark(context, mark, passed) {
    const { scale } = this;
    const [x, y, w, h] = this.placed(mark.motion.draw(this.shownAt(), passed, !this.still.matches));
    if (w <= 0 || h <= 0) return;
    const look = LOOKS[mark.detection.state];
    const isStale = this.shownAt() - mark.motion.at > STALE_AFTER_MS;
    context.globalAlpha = !mark.seen ? 0.4 : isStale ? 0.65 : 1;
    context.lineWidth = (look.width + 2) * scale;
    context.lineCap = "round";
    context.setLineDash(look.dash.map((length) => length * look.width * scale));
    context.strokeStyle = "rgb(9 18 15 / 55%)";
    this.outline(context, x, y, w, h);
    context.lineWidth = look.width * scale;
    context.strokeStyle = look.colour;
    this.outline(context, x, y, w, h);
    this.label(context, mark.detection, look, x, y, h);
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} x @param {number} y @param {number} w @param {number} h
   */
  outline(context, x, y, w, h) {
    context.beginPath();
    context.roundRect(x, y, w, h, Math.min(14 * this.scale, w / 2, h / 2));
    context.stroke();
  }

  /** @param {Detection} detection @param {Look} look */
  text(detection, look) {
    const named = detection.state === "accepted" && detection.name;
    const word = named ? detection.name : say(`label_${detection.state === "accepted" ? "candidate" : detection.state}`);
    return `${this.debug ? `${detection.track} ` : ""}${look.sign}${word}`;
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {Detection} detection @param {Look} look
   * @param {number} x @param {number} y @param {number} h
   */
  label(context, detection, look, x, y, h) {
    const { scale } = this;
    const gap = 4 * scale;
    const pad = 10 * scale;
    const tall = 30 * scale;
    context.font = `600 ${16 * scale}px ${this.family}`;
    const text = shortened(context, this.text(detection, look), this.canvas.width - 2 * gap - 2 * pad);
    const wide = context.measureText(text).width + 2 * pad;
    const left = Math.max(gap, Math.min(x, this.canvas.width - wide - gap));
    const above = y - tall - 6 * scale;
    let top = above > gap ? above : Math.min(y + 8 * scale, y + h);
    if (left < PILL.wide * scale) top = Math.max(top, PILL.tall * scale);
    context.setLineDash([]);
    context.fillStyle = SHADE;
    context.beginPath();
    context.roundRect(left, top, wide, tall, tall / 2);
    context.fill();
    context.fillStyle = look.colour;
    context.textBaseline = "middle";
    context.fillText(text, left + pad, top + tall / 2 + scale);
  }
}

/** Returns text that fit into a width. @param {CanvasRenderingContext2D} context @param {string} text @param {number} width */
function shortened(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let length = text.length - 1;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
  return `${text.slice(0, length)}…`;
}
