// @ts-check
// <still-there>: asks whether the shopper is still there while the time left runs out.

import { part } from "../dom.js";
import { sayCount } from "../options.js";

/** Read aloud at these seconds only: every second would drown all else. */
const SPOKEN_AT_S = new Set([60, 30, 20, 10, 5]);

/** Events: "stay". */
export class StillThere extends HTMLElement {
  /** Seconds that were read aloud last. */
  said = 0;

  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    part(this, "stay", HTMLButtonElement).addEventListener("click", () => this.stay(), { signal });
    this.dialog.addEventListener("cancel", () => this.stay(), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
    this.close();
  }

  stay() {
    this.close();
    this.dispatchEvent(new Event("stay"));
  }

  open() {
    this.dialog?.showModal();
    part(this, "still-spoken", HTMLElement).textContent = "";
    this.said = 0;
  }

  close() {
    this.dialog?.close();
  }

  /** @param {number} left_s @param {number} whole_s */
  show(left_s, whole_s) {
    const seconds = Math.ceil(left_s);
    part(this, "seconds", HTMLElement).textContent = String(seconds);
    part(this, "ring", SVGCircleElement).style.strokeDashoffset = String(100 - (100 * left_s) / whole_s);
    if (seconds === this.said || (this.said && !SPOKEN_AT_S.has(seconds))) return;
    this.said = seconds;
    part(this, "still-spoken", HTMLElement).textContent = sayCount("idle_left", seconds);
  }
}

customElements.define("still-there", StillThere);
