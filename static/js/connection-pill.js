// @ts-check
// <connection-pill>: whether the till hears us, by sign and word.

import { part } from "./dom.js";

export class ConnectionPill extends HTMLElement {
  /** @param {boolean} on @param {string} words */
  show(on, words) {
    this.dataset.state = on ? "on" : "off";
    part(this, "icon-on", HTMLElement).hidden = !on;
    part(this, "icon-off", HTMLElement).hidden = on;
    const word = part(this, "word", HTMLElement);
    if (word.textContent !== words) word.textContent = words;
  }
}

customElements.define("connection-pill", ConnectionPill);
