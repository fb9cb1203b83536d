// @ts-check
// <add-toast>: says over the picture, and to screen readers, what has just happened, and offers to take it back.

import { part, showPicture } from "../dom.js";

const STAYS_MS = 3500;
const STAYS_WITH_UNDO_MS = 7000;

/** Events: "undo". */
export class AddToast extends HTMLElement {
  connectedCallback() {
    this.timer = 0;
    this.staysMs = STAYS_MS;
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.body = part(this, "body", HTMLElement);
    this.undo = part(this, "toast-undo", HTMLButtonElement);
    this.undo.addEventListener("click", () => this.dispatchEvent(new Event("undo")), { signal });
    for (const held of ["focusin", "pointerenter"]) {
      this.body.addEventListener(held, () => clearTimeout(this.timer), { signal });
    }
    for (const left of ["focusout", "pointerleave"]) {
      this.body.addEventListener(left, () => this.fade(), { signal });
    }
  }

  disconnectedCallback() {
    this.stop?.abort();
    clearTimeout(this.timer);
  }

  /**
   * Says what went well.
   * @param {string} text
   * @param {{picture?: string | null, undo?: boolean}} [extras] picture of the product; whether it can be undone
   */
  show(text, { picture, undo = false } = {}) {
    this.appear(text, "good", picture, undo);
  }

  /** Says what did not work, or what needs a look. @param {string} text @param {boolean} [undo] */
  warn(text, undo = false) {
    this.appear(text, "warning", undefined, undo);
  }

  /** Says what the shopper has to look at, with the picture of it. @param {string} text @param {string | null} [picture] */
  ask(text, picture) {
    this.appear(text, "warning", picture, false);
  }

  /**
   * @param {string} text @param {"good" | "warning"} tone
   * @param {string | null | undefined} picture undefined: none belongs to it
   * @param {boolean} undo
   */
  appear(text, tone, picture, undo) {
    const { body } = this;
    if (!body || !this.undo) return;
    this.dataset.tone = tone;
    part(this, "icon-good", HTMLElement).hidden = tone !== "good";
    part(this, "icon-warning", HTMLElement).hidden = tone === "good";
    part(this, "word", HTMLElement).textContent = text;
    part(this, "toast-picture", HTMLElement).hidden = picture === undefined;
    if (picture !== undefined) showPicture(body, picture);
    this.undo.hidden = !undo;
    this.staysMs = undo || tone === "warning" ? STAYS_WITH_UNDO_MS : STAYS_MS;
    body.hidden = false;
    body.classList.remove("fresh");
    void body.offsetWidth; // restarts the animation
    body.classList.add("fresh");
    this.fade();
    this.speak(text);
  }

  /** Goes away after a while, but not from under a finger or the focus. */
  fade() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (!this.body?.matches(":hover, :focus-within")) this.hide();
      else this.fade();
    }, this.staysMs);
  }

  hide() {
    clearTimeout(this.timer);
    if (this.body) this.body.hidden = true;
  }

  /** What was said can no longer be taken back. */
  forgetUndo() {
    if (this.undo) this.undo.hidden = true;
  }

  /** Says it to screen readers only; the same text twice is announced twice. @param {string} text */
  speak(text) {
    const spoken = document.createElement("span");
    spoken.textContent = text;
    part(this, "spoken", HTMLElement).replaceChildren(spoken);
  }
}

customElements.define("add-toast", AddToast);
