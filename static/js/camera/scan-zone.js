// @ts-check
// <scan-zone>: the part of the picture that counts, drawn calmly, and set by dragging or with the arrow keys.

import { part } from "../dom.js";
import { WHOLE, fitted, isWhole, mirrored, spanned } from "./zone-shape.js";

/** @typedef {import("../connection/protocol.js").Box} Box */
/** @typedef {import("./zone-shape.js").Point} Point */
/** @typedef {{kind: "draw" | "move", from: Point, held: Point, zone: Box}} Drag
 *   from: where it began, or the corner that stays; held: from the pointer to the corner that is pulled */

const STEP = 0.02;
const ARROWS = /** @type {Record<string, Point>} */ ({
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
});

/** Events: "change" (detail: {zone}) when the shopper has set it, "closed" when the setting is over. */
export class ScanZone extends HTMLElement {
  /** @type {Box} as the camera sees it */
  zone = WHOLE;
  /** @type {Box} what it was before this setting began */
  earlier = WHOLE;
  /** @type {Drag | null} */
  drag = null;
  isMirrored = false;

  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.frame = part(this, "zone-frame", HTMLElement);
    const around = this.closest(".stage-area") ?? document;
    this.bar = part(around, "zone-bar", HTMLElement);
    this.area = part(this, "zone-area", HTMLElement);
    this.area.addEventListener("pointerdown", (event) => this.pressed(event), { signal });
    this.area.addEventListener("pointermove", (event) => this.dragged(event), { signal });
    this.area.addEventListener("pointerup", (event) => this.released(event), { signal });
    this.area.addEventListener("pointercancel", (event) => this.released(event), { signal });
    for (const target of [this, this.bar]) target.addEventListener("keydown", (event) => this.typed(event), { signal });
    part(around, "zone-whole", HTMLButtonElement).addEventListener("click", () => this.set(WHOLE), { signal });
    part(around, "zone-done", HTMLButtonElement).addEventListener("click", () => this.close(), { signal });
    this.place();
  }

  disconnectedCallback() {
    this.stop?.abort();
  }

  get isOpen() {
    return this.hasAttribute("editing");
  }

  /** Shows a zone that is set elsewhere. @param {Box} zone */
  show(zone) {
    this.zone = fitted(zone);
    this.place();
  }

  /** @param {boolean} isMirrored */
  mirror(isMirrored) {
    this.isMirrored = isMirrored;
    this.place();
  }

  /** Lets the shopper set it on the picture. */
  open() {
    this.earlier = this.zone;
    this.toggleAttribute("editing", true);
    this.place();
    this.frame?.focus();
  }

  close() {
    if (!this.isOpen) return;
    this.drag = null;
    this.toggleAttribute("editing", false);
    this.place();
    this.dispatchEvent(new Event("closed"));
  }

  /** @param {Box} zone */
  set(zone) {
    this.show(zone);
    this.dispatchEvent(new CustomEvent("change", { detail: { zone: this.zone } }));
  }

  place() {
    const { frame, bar } = this;
    if (!frame || !bar) return;
    this.hidden = !this.isOpen && isWhole(this.zone);
    bar.hidden = !this.isOpen;
    this.toggleAttribute("whole", isWhole(this.zone)); // then there are no corners to pull, and any drag draws
    frame.tabIndex = this.isOpen ? 0 : -1;
    const [x, y, w, h] = this.isMirrored ? mirrored(this.zone) : this.zone;
    Object.assign(frame.style, { left: `${x * 100}%`, top: `${y * 100}%`, width: `${w * 100}%`, height: `${h * 100}%` });
  }

  /** Where on the picture a pointer is, as the camera sees it. @param {PointerEvent} event @returns {Point} */
  pointOf(event) {
    const room = /** @type {HTMLElement} */ (this.area).getBoundingClientRect();
    const x = (event.clientX - room.left) / room.width;
    return { x: this.isMirrored ? 1 - x : x, y: (event.clientY - room.top) / room.height };
  }

  /** @param {PointerEvent} event */
  pressed(event) {
    if (!this.isOpen || this.drag || event.button !== 0) return;
    event.preventDefault();
    this.area?.setPointerCapture(event.pointerId);
    this.frame?.focus();
    const from = this.pointOf(event);
    const target = /** @type {HTMLElement} */ (event.target);
    const corner = target.dataset.corner;
    const { zone } = this;
    const held = { x: 0, y: 0 };
    if (corner) this.drag = this.pull(corner, from);
    else if (target === this.frame && !isWhole(zone)) this.drag = { kind: "move", from, held, zone };
    else this.drag = { kind: "draw", from, held, zone };
  }

  /** @param {string} corner "left top", … on the screen @param {Point} at where the pointer took it @returns {Drag} */
  pull(corner, at) {
    const [x, y, w, h] = this.zone;
    const isLeft = corner.includes("left") !== this.isMirrored;
    const isTop = corner.includes("top");
    const held = { x: (isLeft ? x : x + w) - at.x, y: (isTop ? y : y + h) - at.y };
    return { kind: "draw", from: { x: isLeft ? x + w : x, y: isTop ? y + h : y }, held, zone: this.zone };
  }

  /** @param {PointerEvent} event */
  dragged(event) {
    if (!this.drag) return;
    const { kind, from, held, zone } = this.drag;
    const at = this.pointOf(event);
    const to = { x: at.x + held.x, y: at.y + held.y };
    const [x, y, w, h] = zone;
    this.show(kind === "move" ? [x + to.x - from.x, y + to.y - from.y, w, h] : spanned(from, to));
  }

  /** @param {PointerEvent} event */
  released(event) {
    if (!this.drag) return;
    const { zone, from, kind } = this.drag;
    this.drag = null;
    const to = this.pointOf(event);
    const isTap = kind === "draw" && Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y)) < STEP;
    if (event.type === "pointercancel" || isTap) this.show(zone);
    else this.set(this.zone);
  }

  /** @param {KeyboardEvent} event */
  typed(event) {
    if (!this.isOpen) return;
    if (event.key === "Escape") {
      event.preventDefault();
      this.set(this.earlier);
      this.close();
      return;
    }
    if (event.target !== this.frame) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.close();
    }
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const across = this.isMirrored ? -arrow.x : arrow.x;
    const [x, y, w, h] = this.zone;
    if (event.shiftKey) this.set(fitted([x, y, Math.min(1 - x, w + arrow.x * STEP), Math.min(1 - y, h + arrow.y * STEP)]));
    else this.set(fitted([x + across * STEP, y + arrow.y * STEP, w, h]));
  }
}

customElements.define("scan-zone", ScanZone);
