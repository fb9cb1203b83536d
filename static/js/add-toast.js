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

  /** @param {string} words */
  show(words) {
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
