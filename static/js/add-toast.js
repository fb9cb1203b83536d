// @ts-check
// <add-toast>: says over the picture, and to screen readers, what has just happened.

import { part } from "./dom.js";

const STAYS_MS = 3000;

export class AddToast extends HTMLElement {
  connectedCallback() {
    this.timer = 0;
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  /** Says what went well. @param {string} words */
  show(words) {
    this.appear(words, "good");
  }

  /** Says what did not work. @param {string} words */
  warn(words) {
    this.appear(words, "warning");
  }

  /** @param {string} words @param {"good" | "warning"} tone */
  appear(words, tone) {
    this.dataset.tone = tone;
    part(this, "icon-good", HTMLElement).hidden = tone !== "good";
    part(this, "icon-warning", HTMLElement).hidden = tone === "good";
    const body = part(this, "body", HTMLElement);
    part(this, "word", HTMLElement).textContent = words;
    body.hidden = false;
    body.classList.remove("fresh");
    void body.offsetWidth; // starts the animation anew
    body.classList.add("fresh");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (body.hidden = true), STAYS_MS);
    this.speak(words);
  }

  /** Says it to screen readers only; the same words twice are still news. @param {string} words */
  speak(words) {
    const spoken = document.createElement("span");
    spoken.textContent = words;
    part(this, "spoken", HTMLElement).replaceChildren(spoken);
  }
}

customElements.define("add-toast", AddToast);
